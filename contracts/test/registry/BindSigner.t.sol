// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";

/// `bindSigner`: keys that nobody has judged.
contract BindSignerTest is BindSignerFixture {
    function test_bindSigner_recordsTheBinding() public {
        Attest memory a = _ready();
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.expectEmit(address(registry));
        emit IBindings.SignerBound(
            agentId, id, signer, a.validUntil, EVIDENCE, a.blockNumber, blockhash(a.blockNumber)
        );
        vm.assertEq(_send(a, ""), id);

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.assertEq(b.agentId, agentId);
        vm.assertEq(b.signer, signer);
        vm.assertEq(b.validFrom, START);
        vm.assertEq(b.validUntil, a.validUntil);
        vm.assertFalse(b.revoked);
        vm.assertEq(b.operator, provider);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.NONE));
        vm.assertEq(b.tcbStatus, 0);
        vm.assertEq(b.verifierIndex, registry.NO_VERIFIER());
        vm.assertEq(bytes32(b.record), 0);
        vm.assertEq(b.endpointVersion, 1);
        vm.assertEq(b.blockNumber, a.blockNumber);
        vm.assertEq(bytes32(b.head), bytes32(registry.grantHeadOf(id, 1)));
        (uint256 boundAgent, address boundSigner) = registry.signerOf(id);
        vm.assertEq(boundAgent, agentId);
        vm.assertEq(boundSigner, signer);
        address operator;
        (boundAgent, operator, boundSigner) = registry.partiesOf(id);
        vm.assertEq(boundAgent, agentId);
        vm.assertEq(operator, provider);
        vm.assertEq(boundSigner, signer);
    }

    /// R1: no caller gets a tier, and no evidence no binding.
    function test_zero_evidence_gets_no_tier() public {
        Attest memory a = _ready();
        a.evidenceHash = 0;
        _send(a, abi.encodeWithSelector(IBindings.EvidenceHashZero.selector));

        (, IBindings.Binding memory b) = registry.bindingOf(bindingId);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.NONE));
        (bool valid, IBindings.Binding memory none) = registry.bindingOf(keccak256("none"));
        vm.assertFalse(valid);
        vm.assertEq(uint256(none.tier), uint256(IBindings.Tier.NONE));
        vm.assertEq(uint256(none.devices), uint256(IBindings.Devices.NOT_HELD));
        (, address noSigner) = registry.signerOf(keccak256("none"));
        vm.assertEq(noSigner, address(0));
    }

    /// R1
    function test_tier_expires() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.warp(a.validUntil);
        (bool valid,) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.warp(a.validUntil + 1);
        (valid,) = registry.bindingOf(id);
        vm.assertFalse(valid);
    }

    /// R1, R13: every field of the statement counts.
    function test_fuzz_binding_fields(uint8 field, bytes32 value) public {
        Attest memory a = _ready();
        bytes32 before = registry.bindingIdOf(a.statement);
        NodeStatement memory s = a.statement;
        field = uint8(_bound(field, 0, 7));
        if (field == 0) s.agentId = uint256(value);
        if (field == 1) s.operator = address(uint160(uint256(value)));
        if (field == 2) s.signer = address(uint160(uint256(value)));
        if (field == 3) s.keysetDigest = value;
        if (field == 4) s.modelCatalogDigest = value;
        if (field == 5) s.postureDigest = value;
        if (field == 6) s.gpuDevicesDigest = value;
        if (field == 7) s.instanceId = value;
        bytes32 id = registry.bindingIdOf(s);
        vm.assume(id != before);

        bytes memory wanted = abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id);
        if (field == 0) {
            wanted = abi.encodeWithSelector(IProviders.UnknownProvider.selector, s.agentId);
        }
        _send(a, wanted);
    }

    /// R13: the same statement has another id, and its signature no meaning, at another registry or chain.
    function test_foreign_binding_rejected() public {
        NodeStatement memory s = _statement(agentId, provider, signer, "replica");
        ComputeRegistry other = new ComputeRegistry(identity, staking, governor, NO_VERIFIER);
        vm.assertNotEq(registry.bindingIdOf(s), other.bindingIdOf(s));
        bytes32 here = registry.bindingIdOf(s);
        vm.chainId(1);
        vm.assertNotEq(registry.bindingIdOf(s), here);
        vm.chainId(31_337);

        vm.startPrank(provider);
        other.register(agentId, "x");
        bytes32 there = other.approveBinding(s);
        vm.stopPrank();
        uint64 blockNumber = uint64(block.number - 1);
        uint64 validUntil = uint64(START + 1 days);
        // Signed in the domain of the first registry.
        bytes memory sig = _attestationSig(there, EVIDENCE, blockNumber, validUntil, START, SIGNER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer));
        other.bindSigner(s, EVIDENCE, blockNumber, validUntil, START, sig);
    }

    /// R12
    function test_old_blockhash_rejected() public {
        Attest memory a = _ready();
        vm.roll(2000);
        a.blockNumber = 2000 - 257;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = 2000;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = type(uint64).max;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = 2000 - 256;
        _send(a, "");
    }

    function test_fuzz_bindSigner_validity(uint64 validUntil) public {
        Attest memory a = _ready();
        a.validUntil = validUntil;
        uint64 max = uint64(START + 1 days);
        bool allowed = validUntil > START && validUntil <= max;
        _send(
            a,
            allowed
                ? bytes("")
                : abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, validUntil, max)
        );
    }

    function test_bindSigner_validityEnds() public {
        Attest memory a = _ready();
        a.validUntil = uint64(START);
        _send(a, abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, START, START + 1 days));
        a.validUntil = uint64(START + 1 days + 1);
        _send(a, abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, a.validUntil, START + 1 days));
    }

    function test_bindSigner_needsTheSignersKey() public {
        Attest memory a = _ready();
        a.signerKey = SESSION_KEY;
        _send(a, abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer));

        a = _ready();
        a.deadline = START - 1;
        _send(a, abi.encodeWithSelector(IBindings.SignatureExpired.selector, START - 1));

        // A statement without a signer cannot be approved, nor signed for by garbage that recovers to zero.
        NodeStatement memory nobody = _statement(agentId, provider, address(0), "zero");
        bytes32 id = registry.bindingIdOf(nobody);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
        registry.bindSigner(
            nobody, EVIDENCE, uint64(block.number - 1), uint64(START + 1), START, new bytes(65)
        );
    }

    /// Nothing that was signed can be changed by who sends it.
    function test_fuzz_bindSigner_signedFieldsAreFixed(bytes32 evidence, uint64 validUntil, uint64 back)
        public
    {
        Attest memory a = _ready();
        vm.assume(evidence != 0 && evidence != EVIDENCE);
        bytes memory sig = _attestationSig(
            registry.bindingIdOf(a.statement), EVIDENCE, a.blockNumber, a.validUntil, a.deadline, SIGNER_KEY
        );
        validUntil = uint64(_bound(validUntil, START + 1, a.validUntil - 1));
        uint64 blockNumber = uint64(_bound(back, block.number - 200, block.number - 2));
        bytes memory wanted = abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer);

        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, evidence, a.blockNumber, a.validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, blockNumber, a.validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, a.blockNumber, validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, a.blockNumber, a.validUntil, a.deadline + 1, sig);
    }

    /// An attestation seen on chain cannot be played again, nor an older one over a newer one.
    function test_bindSigner_renewalOnlyMovesForward() public {
        Attest memory older = _ready();
        Attest memory newer = _ready();
        vm.roll(block.number + 1);
        newer.blockNumber = older.blockNumber + 1;
        newer.evidenceHash = keccak256("renewed");
        bytes32 id = _send(newer, "");

        bytes memory stale =
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, older.blockNumber);
        _send(older, stale);
        _send(
            newer,
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, newer.blockNumber)
        );

        vm.roll(block.number + 1);
        vm.warp(START + 1 hours);
        newer.blockNumber += 1;
        newer.deadline = block.timestamp;
        newer.validUntil = uint64(block.timestamp + 1 days);
        _send(newer, "");
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(b.validUntil, newer.validUntil);
        vm.assertEq(b.validFrom, START, "valid without a gap since the first grant");

        // After a gap it counts anew.
        vm.warp(newer.validUntil + 1);
        vm.roll(block.number + 1);
        newer.blockNumber += 1;
        newer.deadline = block.timestamp;
        newer.validUntil = uint64(block.timestamp + 1 days);
        _send(newer, "");
        (, b) = registry.bindingOf(id);
        vm.assertEq(b.validFrom, block.timestamp);
    }
}
