// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IVerifierList} from "../../src/interfaces/registry/IVerifierList.sol";
import {AttestFixture} from "../AttestFixture.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// `attest`: a tier is what a listed verifier has shown in this call.
contract RegistryAttestTest is AttestFixture {
    /// EIP-2935, the code that the system transaction of every block feeds.
    bytes private constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function test_attest_recordsWhatTheVerifierShows() public {
        Attest memory a = _ready("replica");
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.expectEmit(address(registry));
        emit IBindings.Attested(
            agentId,
            id,
            IBindings.Tier.TDX,
            3,
            uint64(START + LIFE),
            0,
            keccak256(_opened(a)),
            a.blockNumber,
            blockhash(a.blockNumber)
        );
        vm.assertEq(_send(a, ""), id);

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.assertEq(b.agentId, agentId);
        vm.assertEq(b.operator, provider);
        vm.assertEq(b.signer, signer);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.TDX));
        vm.assertEq(b.tcbStatus, 3);
        vm.assertEq(b.validFrom, START);
        vm.assertEq(b.validUntil, START + LIFE);
        vm.assertFalse(b.revoked);
        vm.assertEq(b.endpointVersion, 1);
        vm.assertEq(b.blockNumber, a.blockNumber);
        vm.assertEq(b.verifierIndex, 0);
        vm.assertEq(bytes32(b.head), bytes32(registry.grantHeadOf(id, 1)));
        vm.assertEq(bytes32(b.record), bytes32(RECORD));
    }

    /// R1: one changed byte of the evidence, whichever, and there is no binding.
    function test_fuzz_mutated_evidence_rejected(uint256 index, uint8 mask) public {
        Attest memory a = _ready("replica");
        mask = uint8(_bound(mask, 1, 255));
        index = _bound(index, 0, a.evidence.length - 1);
        a.evidence[index] ^= bytes1(mask);
        bytes memory sig = _sign(a);
        vm.expectRevert();
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
        _expectStatus(registry.bindingIdOf(a.statement), IBindings.Status.UNKNOWN);
    }

    /// R1, each byte once.
    function test_mutated_evidence_rejected() public {
        Attest memory a = _ready("replica");
        for (uint256 i = 0; i < a.evidence.length; ++i) {
            a.evidence[i] ^= 0x01;
            bytes memory sig = _sign(a);
            vm.expectRevert();
            registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
            a.evidence[i] ^= 0x01;
        }
        a.evidence = bytes.concat(a.evidence, hex"00");
        _send(a, abi.encodeWithSelector(TestVerifier.BadEvidence.selector, 161));
        a.evidence = "";
        _send(a, abi.encodeWithSelector(TestVerifier.BadEvidence.selector, 0));
    }

    /// R1: a tier ends with the shorter of our validity and the evidence's own, to the second.
    function test_fuzz_tier_expires(uint40 evidenceLife) public {
        Attest memory a = _ready("replica");
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        appraisal.validUntil = uint40(START + _bound(evidenceLife, 1, 60 days));
        _seal(a, appraisal);
        bytes32 id = _send(a, "");
        uint256 end = appraisal.validUntil < START + LIFE ? appraisal.validUntil : START + LIFE;

        vm.warp(end);
        _expectStatus(id, IBindings.Status.ACTIVE);
        vm.warp(end + 1);
        _expectStatus(id, IBindings.Status.EXPIRED);
        (, address bound) = registry.signerOf(id);
        vm.assertEq(bound, signer);
    }

    function test_attest_refusesEvidenceThatHasExpired() public {
        Attest memory a = _ready("replica");
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        appraisal.validUntil = uint40(START);
        _seal(a, appraisal);
        _send(a, abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, START, START + LIFE));
    }

    function test_attest_refusesNoTier() public {
        Attest memory a = _ready("replica");
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        appraisal.tier = IBindings.Tier.NONE;
        _seal(a, appraisal);
        _send(a, abi.encodeWithSelector(IBindings.NoTier.selector, 0));
    }

    /// I15: whatever a simulated verifier says, its tier is SIMULATED.
    function test_fuzz_simulatedVerifierWritesOnlySimulated(uint8 tier) public {
        TestVerifier simulated = new TestVerifier(true);
        uint256 index = _listVerifier(simulated);
        Attest memory a = _ready("replica");
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        appraisal.tier = IBindings.Tier(_bound(tier, 1, 3));
        a.verifierIndex = index;
        _seal(a, appraisal);
        (, IBindings.Binding memory b) = registry.bindingOf(_send(a, ""));
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.SIMULATED));
        vm.assertEq(b.verifierIndex, index);
    }

    function test_attest_needsAListedVerifier() public {
        Attest memory a = _ready("replica");
        a.verifierIndex = 7;
        _send(a, abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 7));

        vm.startPrank(governor);
        uint256 proposed = registry.proposeVerifier(new TestVerifier(false));
        vm.stopPrank();
        a.verifierIndex = proposed;
        _send(a, _wrongState(proposed, IVerifierList.VerifierState.PROPOSED));

        vm.prank(governor);
        registry.dropVerifier(0);
        a.verifierIndex = 0;
        _send(a, _wrongState(0, IVerifierList.VerifierState.DROPPED));
    }

    /// R13: nothing of another statement, block, agent or verifier can be used here.
    function test_fuzz_binding_fields(uint8 field, bytes32 value) public {
        Attest memory a = _ready("replica");
        bytes memory sig = _sign(a);
        bytes32 before = registry.bindingIdOf(a.statement);
        field = uint8(_bound(field, 0, 7));
        if (field == 0) a.statement.agentId = uint256(value);
        if (field == 1) a.statement.operator = address(uint160(uint256(value)));
        if (field == 2) a.statement.signer = address(uint160(uint256(value)));
        if (field == 3) a.statement.keysetDigest = value;
        if (field == 4) a.statement.modelCatalogDigest = value;
        if (field == 5) a.statement.postureDigest = value;
        if (field == 6) a.statement.gpuDevicesDigest = value;
        if (field == 7) a.statement.instanceId = value;
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.assume(id != before);
        if (field > 1 && a.statement.signer != address(0)) _approve(a.statement);
        vm.expectRevert();
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
    }

    function test_attest_needsTheSignersKey() public {
        Attest memory a = _ready("replica");
        a.signerKey = SESSION_KEY;
        _send(a, abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer));
        a.signerKey = SIGNER_KEY;
        a.deadline = START - 1;
        _send(a, abi.encodeWithSelector(IBindings.SignatureExpired.selector, START - 1));
    }

    /// Who sends it can choose neither the verifier nor anything else that was signed.
    function test_attest_signedFieldsAreFixed() public {
        uint256 other = _listVerifier(new TestVerifier(true));
        Attest memory a = _ready("replica");
        bytes memory sig = _sign(a);
        bytes memory invalid = abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer);

        vm.expectRevert(invalid);
        registry.attest(a.statement, other, a.evidence, a.blockNumber, a.deadline, sig);
        vm.expectRevert(invalid);
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline + 1, sig);
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        appraisal.record = 0;
        _seal(a, appraisal);
        vm.expectRevert(invalid);
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
    }

    function test_attest_needsTheOwnersConsent() public {
        Attest memory a = _ready("replica");
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.prank(provider);
        registry.withdrawApproval(agentId, id);
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
    }

    /// An attestation seen on chain cannot be played again, nor an older one over a newer one, nor one from before a change of
    /// endpoint after it.
    function test_attest_renewalOnlyMovesForward() public {
        Attest memory older = _ready("replica");
        vm.roll(block.number + 1);
        Attest memory newer = _ready("replica");
        bytes32 id = _send(newer, "");
        bytes memory stale =
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, newer.blockNumber);
        _send(newer, stale);
        stale =
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, older.blockNumber);
        _send(older, stale);

        vm.startPrank(provider);
        registry.updateEndpoint(agentId, "https://moved.example");
        registry.approveBinding(older.statement);
        vm.stopPrank();
        _send(older, stale);
        vm.roll(block.number + 1);
        Attest memory newest = _ready("replica");
        _send(newest, "");
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(b.endpointVersion, 2);
        vm.assertEq(b.blockNumber, newest.blockNumber);
    }

    /// From a judged binding to one that nobody judged and back: the tier is always that of the last grant, and starts anew.
    function test_attest_andBindSignerTakeTurns() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        vm.warp(START + 1 hours);
        _attest(a.statement, SIGNER_KEY);
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.NONE));
        vm.assertEq(b.validFrom, START + 1 hours);
        vm.assertEq(bytes32(b.record), 0);
        vm.assertEq(b.tcbStatus, 0);

        vm.roll(block.number + 1);
        vm.warp(START + 2 hours);
        _send(_ready("replica"), "");
        (, b) = registry.bindingOf(id);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.TDX));
        vm.assertEq(b.validFrom, START + 2 hours);
    }

    /// R12
    function test_old_blockhash_rejected() public {
        Attest memory a = _ready("replica");
        vm.roll(2000);
        uint64[4] memory outside = [uint64(0), 2000 - 257, 2000, type(uint64).max];
        for (uint256 i = 0; i < outside.length; ++i) {
            a.blockNumber = outside[i];
            _send(a, _outOfWindow(outside[i]));
        }
        a.blockNumber = 2000 - 256;
        _seal(a, _appraisal());
        _send(a, "");
    }

    /// R12, where the chain keeps its history: 300 blocks as long as the owner says nothing else, and never the current one.
    function test_fuzz_history_withinTheWindow(uint64 back) public {
        vm.etch(HISTORY, HISTORY_CODE);
        Attest memory a = _ready("replica");
        vm.roll(20_000);
        back = uint64(_bound(back, 257, 8191));
        a.blockNumber = 20_000 - back;
        bytes32 hash = keccak256(abi.encode("block", a.blockNumber));
        vm.store(HISTORY, bytes32(uint256(a.blockNumber) % 8191), hash);

        bytes32 id = registry.bindingIdOf(a.statement);
        a.evidence = verifier.seal(_appraisal(), id, a.blockNumber, hash);
        bytes memory sig =
            _signature(SIGNER_KEY, _typed(registry.domainSeparator(), _structHashWith(a, hash)));
        uint64 window = 300;
        if (back > window) {
            vm.expectRevert(_outOfWindow(a.blockNumber));
            registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
            vm.prank(governor);
            registry.setFreshnessWindow(8191);
        }
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
        vm.assertTrue(_isValid(id));
    }

    function _structHashWith(Attest memory a, bytes32 hash) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "VerifiedAttestation(bytes32 bindingId,uint256 verifierIndex,bytes32 evidenceHash,uint64 blockNumber,uint256 deadline)"
                ),
                registry.bindingIdOf(a.statement),
                a.verifierIndex,
                keccak256(bytes.concat(hash, a.evidence)),
                a.blockNumber,
                a.deadline
            )
        );
    }

    function _wrongState(uint256 index, IVerifierList.VerifierState actual)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            IVerifierList.WrongVerifierState.selector, index, IVerifierList.VerifierState.LISTED, actual
        );
    }

    function _outOfWindow(uint64 blockNumber) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBindings.BlockOutOfWindow.selector, blockNumber, block.number);
    }
}
