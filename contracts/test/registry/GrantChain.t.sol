// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {AttestFixture} from "../AttestFixture.sol";

/// One slot keeps all grants of a binding: what can be shown of them, and what cannot.
contract GrantChainTest is AttestFixture {
    uint256 private constant GRANTS = 6;

    bytes32 private id;
    Attest[] private attests;
    IBindings.Grant[] private grants;
    /// Before each grant, and after the last.
    bytes20[] private heads;

    function setUp() public override {
        super.setUp();
        heads.push(0);
        for (uint256 i = 0; i < GRANTS; ++i) {
            _renew();
        }
    }

    function test_head() public view {
        for (uint256 i = 1; i <= GRANTS; ++i) {
            vm.assertEq(bytes32(_headOf(_from(0, i))), bytes32(heads[i]));
        }
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(bytes32(b.head), bytes32(heads[GRANTS]));
        vm.assertEq(bytes32(registry.grantHeadOf(id, 1)), bytes32(heads[GRANTS]));
        vm.assertEq(bytes32(registry.grantHeadOf(id, 2)), 0);
        vm.assertEq(bytes32(registry.grantHeadOf("none", 1)), 0);
    }

    function test_fuzz_every_grant_can_be_proven(uint256 from) public {
        from = _bound(from, 0, GRANTS - 1);
        verifier.setRefuting(true);
        vm.assertTrue(_isRefuted(from, _from(from, GRANTS)));
    }

    /// E2: left out, in another order, played twice, changed, cut, or of another version, it is nobody's grant.
    function test_fuzz_other_chains_prove_nothing(uint256 from, uint256 at, uint8 kind, bytes32 other)
        public
    {
        from = _bound(from, 0, GRANTS - 2);
        IBindings.GrantProof memory proof = _from(from, GRANTS);
        bytes32 genuine = keccak256(abi.encode(proof));
        uint256 last = proof.grants.length - 1;
        at = _bound(at, 1, last);
        kind = uint8(_bound(kind, 0, 8));
        IBindings.Grant memory g = proof.grants[at];
        if (kind == 0) g.evidenceHash = other;
        if (kind == 1) g.verifierIndex ^= uint8(other[0]);
        if (kind == 2) g.blockNumber ^= uint64(bytes8(other));
        if (kind == 3) proof.before = bytes20(other);
        if (kind == 4) (proof.grants[at], proof.grants[last]) = (proof.grants[last], proof.grants[at]);
        if (kind == 5) proof.grants[last] = proof.grants[0];
        if (kind == 6) proof = _from(from, GRANTS - 1);
        if (kind == 7) proof.endpointVersion = 2;
        if (kind == 8) proof.grants[0].blockNumber ^= uint64(bytes8(other));
        vm.assume(keccak256(abi.encode(proof)) != genuine);
        verifier.setRefuting(true);
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, _headOf(proof)));
        _isRefuted(from, proof);
    }

    /// The head alone says nothing of the grant before it; another binding's grants are its own.
    function test_no_proof() public {
        IBindings.GrantProof memory proof = _from(GRANTS, GRANTS);
        bytes32 evidenceHash = keccak256(_openedAt(0));
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, id, evidenceHash));
        _isRefuted(0, proof);
        proof = _from(0, GRANTS);
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, bindingId, heads[GRANTS]));
        registry.refutesEvidence(
            bindingId, _statement(agentId, provider, signer, "instance"), _openedAt(0), proof
        );
    }

    /// E2: an operator who renews in the block before every proof makes none of them stale once the head was kept.
    function test_renewal_cannot_outrun_a_proof() public {
        verifier.setRefuting(true);
        IBindings.GrantProof memory proof = _from(1, GRANTS);
        vm.expectEmit(address(registry));
        emit IBindings.HeadKept(id, heads[GRANTS]);
        vm.prank(attacker);
        registry.keepHead(id, _from(0, 0));
        _renew();
        vm.assertTrue(_isRefuted(1, proof));
        vm.assertTrue(_isRefuted(1, _from(1, GRANTS + 1)));
        vm.expectPartialRevert(IBindings.UnknownHead.selector);
        _isRefuted(1, _from(1, GRANTS - 1));
    }

    /// E2: no flood of renewals buries a grant: a chain of any length is walked back in steps.
    function test_flood_of_renewals_does_not_bury_evidence() public {
        for (uint256 i = 0; i < 30; ++i) {
            _renew();
        }
        registry.keepHead(id, _from(0, 0));
        uint256 end = heads.length - 1;
        _renew();
        while (end > 10) {
            uint256 start = end - 10;
            vm.expectEmit(address(registry));
            emit IBindings.HeadKept(id, heads[start]);
            registry.keepHead(id, _from(start, end));
            end = start;
        }
        verifier.setRefuting(true);
        vm.assertTrue(_isRefuted(0, _from(0, end)));
    }

    function test_keepHead_only_what_leads_to_a_known_one() public {
        IBindings.GrantProof memory proof = _from(2, GRANTS - 1);
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, heads[GRANTS - 1]));
        registry.keepHead(id, proof);
        proof = _from(2, GRANTS);
        proof.before = bytes20(keccak256("wrong"));
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, _headOf(proof)));
        registry.keepHead(id, proof);
        proof = _from(2, GRANTS);
        proof.endpointVersion = 2;
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, heads[GRANTS]));
        registry.keepHead(id, proof);
        // Zero, which stands before every first grant, is no head.
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, bytes20(0)));
        registry.keepHead(id, _from(0, GRANTS));
        proof = _from(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, bytes32("none"), bytes20(0)));
        registry.keepHead("none", proof);
        proof.endpointVersion = 2;
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownHead.selector, id, bytes20(0)));
        registry.keepHead(id, proof);
    }

    /// A change of endpoint begins a chain of its own, and the one before stays as it is.
    function test_chain_of_each_version() public {
        verifier.setRefuting(true);
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://moved.example");
        _renew();
        IBindings.GrantProof memory fresh = _from(GRANTS, GRANTS + 1);
        (fresh.endpointVersion, fresh.before) = (2, 0);
        vm.assertTrue(_isRefuted(GRANTS, fresh));
        fresh.endpointVersion = 1;
        vm.expectPartialRevert(IBindings.UnknownHead.selector);
        _isRefuted(GRANTS, fresh);
        vm.assertTrue(_isRefuted(0, _from(0, GRANTS)));
        vm.assertEq(bytes32(registry.grantHeadOf(id, 1)), bytes32(heads[GRANTS]));
        vm.assertEq(bytes32(registry.grantHeadOf(id, 2)), bytes32(heads[GRANTS + 1]));
    }

    /// Neither a revocation nor a kept head changes what was granted.
    function test_chain_outlives_the_end() public {
        vm.prank(address(staking));
        registry.revokeForEvidence(id);
        registry.keepHead(id, _from(0, 0));
        verifier.setRefuting(true);
        vm.assertTrue(_isRefuted(2, _from(2, GRANTS)));
    }

    function _isRefuted(uint256 index, IBindings.GrantProof memory proof) private view returns (bool) {
        return registry.refutesEvidence(id, attests[index].statement, _openedAt(index), proof);
    }

    /// docs/protocol.md §9, by hand.
    function _headOf(IBindings.GrantProof memory proof) private pure returns (bytes20 head) {
        head = proof.before;
        for (uint256 i = 0; i < proof.grants.length; ++i) {
            IBindings.Grant memory g = proof.grants[i];
            head = bytes20(
                keccak256(abi.encode(head, g.evidenceHash, uint256(g.verifierIndex), uint256(g.blockNumber)))
            );
        }
    }

    function _renew() private {
        vm.roll(block.number + 1);
        Attest memory a;
        (id, a) = _attested("replica");
        attests.push(a);
        grants.push(_grantOf(a));
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        heads.push(b.head);
    }

    function _openedAt(uint256 i) private view returns (bytes memory) {
        return _opened(attests[i]);
    }

    function _from(uint256 start, uint256 end) private view returns (IBindings.GrantProof memory proof) {
        proof.endpointVersion = 1;
        proof.before = heads[start];
        proof.grants = _slice(start, end);
    }

    function _slice(uint256 start, uint256 end) private view returns (IBindings.Grant[] memory part) {
        part = new IBindings.Grant[](end - start);
        for (uint256 i = start; i < end; ++i) {
            part[i - start] = grants[i];
        }
    }
}
