// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";

/// @title What both sides sign, in this contract's domain
/// @notice Types: see SettlementLib.
abstract contract Digests is IInferenceServing, EIP712 {
    using SettlementLib for RequestAuth;
    using SettlementLib for Receipt;
    using SettlementLib for Voucher;

    /// @inheritdoc IInferenceServing
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IInferenceServing
    function authDigest(RequestAuth calldata auth) public view returns (bytes32) {
        return _hashTypedDataV4(auth.hash());
    }

    /// @inheritdoc IInferenceServing
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(receipt.hash());
    }

    /// @inheritdoc IInferenceServing
    function voucherDigest(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }
}
