// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../src/interfaces/registry/IBindings.sol";
import {NodeStatement} from "../src/interfaces/NodeStatement.sol";
import {NodeStatementLib} from "../src/libraries/NodeStatementLib.sol";
import {Fixture} from "./Fixture.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// @title The fixture with a listed verifier, and calls of `attest` in the making
abstract contract AttestFixture is Fixture {
    struct Attest {
        NodeStatement statement;
        uint256 verifierIndex;
        bytes evidence;
        uint64 blockNumber;
        uint256 deadline;
        uint256 signerKey;
    }

    uint64 internal constant LIFE = 24 hours;
    bytes25 internal constant RECORD = bytes25(keccak256("record"));

    TestVerifier internal verifier;

    function setUp() public virtual override {
        super.setUp();
        verifier = new TestVerifier(false);
        vm.assertEq(_listVerifier(verifier), 0);
    }

    /// By the owner's proposal and two days of waiting; time is put back.
    function _listVerifier(IAttestationVerifier listed) internal returns (uint256 index) {
        uint256 time = block.timestamp;
        vm.prank(governor);
        index = registry.proposeVerifier(listed);
        vm.warp(time + 48 hours);
        registry.acceptVerifier(index);
        vm.warp(time);
        vm.roll(block.number + 2);
    }

    function _appraisal() internal view returns (IAttestationVerifier.Appraisal memory) {
        return IAttestationVerifier.Appraisal({
            tier: IBindings.Tier.TDX,
            tcbStatus: 3,
            validUntil: uint40(block.timestamp + 30 days),
            record: RECORD
        });
    }

    /// A replica, approved and with evidence that holds.
    function _ready(bytes32 instance) internal returns (Attest memory a) {
        a.statement = _statement(agentId, provider, signer, instance);
        a.blockNumber = uint64(block.number - 1);
        a.deadline = block.timestamp;
        a.signerKey = SIGNER_KEY;
        _seal(a, _appraisal());
        _approve(a.statement);
    }

    function _seal(Attest memory a, IAttestationVerifier.Appraisal memory appraisal) internal view {
        bytes32 id = registry.bindingIdOf(a.statement);
        a.evidence = verifier.seal(appraisal, id, a.blockNumber, blockhash(a.blockNumber));
    }

    /// What `refutesEvidence` opens.
    function _opened(Attest memory a) internal view returns (bytes memory) {
        return bytes.concat(blockhash(a.blockNumber), a.evidence);
    }

    /// What `Attested` says of it.
    function _grantOf(Attest memory a) internal view returns (IBindings.Grant memory) {
        return IBindings.Grant({
            evidenceHash: keccak256(_opened(a)),
            verifierIndex: uint8(a.verifierIndex),
            blockNumber: a.blockNumber
        });
    }

    /// That it was the first and last grant of a version.
    function _proof(Attest memory a) internal view returns (IBindings.GrantProof memory proof) {
        proof.endpointVersion = 1;
        proof.grants = new IBindings.Grant[](1);
        proof.grants[0] = _grantOf(a);
    }

    function _refutes(bytes32 id, Attest memory a) internal view returns (bool) {
        return registry.refutesEvidence(id, a.statement, _opened(a), _proof(a));
    }

    function _sign(Attest memory a) internal view returns (bytes memory) {
        bytes32 structHash = NodeStatementLib.hashVerifiedAttestation(
            registry.bindingIdOf(a.statement),
            a.verifierIndex,
            keccak256(_opened(a)),
            a.blockNumber,
            a.deadline
        );
        return _signature(a.signerKey, _typed(registry.domainSeparator(), structHash));
    }

    function _send(Attest memory a, bytes memory expectedError) internal returns (bytes32) {
        bytes memory sig = _sign(a);
        if (expectedError.length != 0) vm.expectRevert(expectedError);
        vm.prank(relayer);
        return registry.attest(a.statement, a.verifierIndex, a.evidence, a.blockNumber, a.deadline, sig);
    }

    function _attested(bytes32 instance) internal returns (bytes32 id, Attest memory a) {
        a = _ready(instance);
        id = _send(a, "");
    }

    function _isValid(bytes32 id) internal view returns (bool valid) {
        (valid,) = registry.bindingOf(id);
    }

    function _expectStatus(bytes32 id, IBindings.Status wanted) internal view {
        (IBindings.Status status,) = registry.statusOf(id);
        vm.assertEq(uint256(status), uint256(wanted), "status");
        vm.assertEq(_isValid(id), wanted == IBindings.Status.ACTIVE);
    }
}
