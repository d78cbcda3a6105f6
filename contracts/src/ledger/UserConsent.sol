// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {AccountSignatureLib} from "../libraries/AccountSignatureLib.sol";

/// @title What a user signs for a relayer to bring, in this contract's domain
/// @notice Types: see ChannelLib.
abstract contract UserConsent is ILedgerManager, EIP712 {
    /// @inheritdoc ILedgerManager
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev Not expired, and signed by the account.
    function _requireSigned(address account, bytes32 structHash, uint256 deadline, bytes calldata signature)
        internal
        view
    {
        require(block.timestamp <= deadline, SignatureExpired(deadline));
        require(
            AccountSignatureLib.isSignedBy(account, _hashTypedDataV4(structHash), signature),
            InvalidSignature(account)
        );
    }
}
