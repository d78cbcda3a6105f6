// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelLib} from "../../src/libraries/ChannelLib.sol";
import {NodeStatementLib} from "../../src/libraries/NodeStatementLib.sol";
import {SettlementLib} from "../../src/libraries/SettlementLib.sol";
import {Fixture} from "../Fixture.sol";

/// EIP-712 types and domains against the text of docs/protocol.md.
contract TypeHashesTest is Fixture {
    function test_typeHashes() public pure {
        vm.assertEq(
            NodeStatementLib.NODE_STATEMENT_TYPEHASH,
            keccak256(
                "NodeStatement(uint256 agentId,address operator,address signer,bytes32 keysetDigest,bytes32 modelCatalogDigest,bytes32 postureDigest,bytes32 gpuDevicesDigest,bytes32 instanceId)"
            )
        );
        vm.assertEq(
            NodeStatementLib.ATTESTATION_TYPEHASH,
            keccak256(
                "Attestation(bytes32 bindingId,bytes32 evidenceHash,uint64 blockNumber,uint64 validUntil,uint256 deadline)"
            )
        );
        vm.assertEq(
            NodeStatementLib.VERIFIED_ATTESTATION_TYPEHASH,
            keccak256(
                "VerifiedAttestation(bytes32 bindingId,uint256 verifierIndex,bytes32 evidenceHash,uint64 blockNumber,uint256 deadline)"
            )
        );
        vm.assertEq(
            SettlementLib.REQUEST_AUTH_TYPEHASH,
            keccak256(
                "RequestAuth(bytes32 channelId,uint256 nonce,bytes32 bindingId,bytes32 requestHash,uint128 maxFee,uint64 validUntil)"
            )
        );
        vm.assertEq(
            SettlementLib.RECEIPT_TYPEHASH,
            keccak256(
                "Receipt(bytes32 authHash,bytes32 responseHash,uint32 inputTokens,uint32 outputTokens,uint8 finish,uint64 issuedAt)"
            )
        );
        vm.assertEq(
            ChannelLib.OPEN_TYPEHASH,
            keccak256(
                "Open(address user,uint256 agentId,uint32 serviceId,uint32 priceVersion,uint8 mode,uint128 amount,address sessionKey,uint256 salt,uint256 deadline)"
            )
        );
        vm.assertEq(
            ChannelLib.TOP_UP_TYPEHASH,
            keccak256("TopUp(bytes32 channelId,uint128 amount,uint256 salt,uint256 deadline)")
        );
        vm.assertEq(
            SettlementLib.VOUCHER_TYPEHASH, keccak256("Voucher(bytes32 channelId,uint128 cumulative)")
        );
    }

    function test_domains() public view {
        vm.assertEq(registry.domainSeparator(), _domain("Jeju Compute Node", address(registry)));
        vm.assertEq(ledger.domainSeparator(), _domain("LedgerManager", address(ledger)));
        vm.assertEq(serving.domainSeparator(), _domain("InferenceServing", address(serving)));
        vm.assertEq(staking.domainSeparator(), _domain("ComputeStaking", address(staking)));
    }

    function _domain(string memory name, address verifyingContract) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }
}
