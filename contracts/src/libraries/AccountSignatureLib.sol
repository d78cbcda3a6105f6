// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title What an account signed
/// @notice For consent that takes effect at once. Settlement takes plain keys only: SettlementLib.signerOf.
library AccountSignatureLib {
    /// @notice By the account's own key, else as its code answers (ERC-1271). The key comes first because an EIP-7702
    /// account has both: the key may do everything there, and the delegate need not know ERC-1271.
    /// @param account who must have signed
    /// @param digest what was signed
    /// @param signature over the digest
    function isSignedBy(address account, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && signer == account) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }
}
