// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IServices} from "../interfaces/registry/IServices.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";

/// @title Pure rules of settlement
/// @notice Hashes, signers and fees of docs/protocol.md §5. Structs are hashed as they lie in the calldata, which is their
/// EIP-712 encoding: a word with bits where its type has none hashes to what nobody signed.
library SettlementLib {
    bytes32 internal constant REQUEST_AUTH_TYPEHASH = keccak256(
        "RequestAuth(bytes32 channelId,uint256 nonce,bytes32 bindingId,bytes32 requestHash,uint128 maxFee,uint64 validUntil)"
    );

    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 authHash,bytes32 responseHash,uint32 inputTokens,uint32 outputTokens,uint8 finish,uint64 issuedAt)"
    );

    bytes32 internal constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 cumulative)");

    uint256 internal constant TOKENS_PER_PRICE = 1e6;

    uint256 private constant LOW_255_BITS =
        0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff;
    /// Half the order of secp256k1; a larger `s` is the other form of the same signature.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice EIP-712 struct hash.
    /// @param auth any
    /// @return structHash to be put into the domain
    function hash(IInferenceServing.RequestAuth calldata auth) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = REQUEST_AUTH_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), auth, 0xc0)
            structHash := keccak256(free, 0xe0)
        }
    }

    /// @notice EIP-712 struct hash.
    /// @param receipt any
    /// @return structHash to be put into the domain
    function hash(IInferenceServing.Receipt calldata receipt) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = RECEIPT_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), receipt, 0xc0)
            structHash := keccak256(free, 0xe0)
        }
    }

    /// @notice EIP-712 struct hash of the Receipt that says this of the authorisation with digest `authHash`.
    /// @param delivery what was delivered
    /// @param authHash digest of the authorisation
    /// @return structHash to be put into the domain
    function hash(IInferenceServing.Delivery calldata delivery, bytes32 authHash)
        internal
        pure
        returns (bytes32 structHash)
    {
        bytes32 typeHash = RECEIPT_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            mstore(add(free, 0x20), authHash)
            calldatacopy(add(free, 0x40), delivery, 0xa0)
            structHash := keccak256(free, 0xe0)
        }
    }

    /// @notice EIP-712 struct hash.
    /// @param voucher that was signed
    function hash(IInferenceServing.Voucher calldata voucher) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, voucher.channelId, voucher.cumulative));
    }

    /// @notice The address whose key signed `digest`: 65 bytes, low-s, v 27 or 28; zero for anything else (attack P21).
    /// ECDSA only: a contract wallet could change its answer after it was served (attack P20).
    /// @param digest what was signed
    /// @param signature 65 bytes, or in the compact form
    function signerOf(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        return err == ECDSA.RecoverError.NoError ? signer : address(0);
    }

    /// @notice The same for the compact form of EIP-2098. The precompile leaves the answer zero for what recovers to nobody.
    /// @param digest what was signed
    /// @param signature 65 bytes, or in the compact form
    /// @return signer zero where nobody can be recovered
    function signerOf(bytes32 digest, IInferenceServing.Signature calldata signature)
        internal
        view
        returns (address signer)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let vs := calldataload(add(signature, 0x20))
            let s := and(vs, LOW_255_BITS)
            mstore(free, digest)
            mstore(add(free, 0x20), add(27, shr(255, vs)))
            mstore(add(free, 0x40), calldataload(signature))
            mstore(add(free, 0x60), s)
            mstore(0x00, 0)
            if iszero(gt(s, HALF_ORDER)) { pop(staticcall(gas(), 1, free, 0x80, 0x00, 0x20)) }
            signer := mload(0x00)
        }
    }

    /// @notice Wei for these counts, rounded up (attack P28). Cannot overflow: 32 + 128 bits.
    /// @param price of the channel
    /// @param inputTokens counted
    /// @param outputTokens counted
    function fee(IServices.Price memory price, uint32 inputTokens, uint32 outputTokens)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            return Math.ceilDiv(
                uint256(inputTokens) * price.inPerMTok + uint256(outputTokens) * price.outPerMTok,
                TOKENS_PER_PRICE
            );
        }
    }
}
