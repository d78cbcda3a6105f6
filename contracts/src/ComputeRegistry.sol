// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "./governance/Governed.sol";
import {IAttestationVerifier} from "./interfaces/IAttestationVerifier.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IComputeStaking} from "./interfaces/IComputeStaking.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {BindingViews} from "./registry/BindingViews.sol";
import {Providers} from "./registry/Providers.sol";
import {Services} from "./registry/Services.sol";
import {VerifierList} from "./registry/VerifierList.sol";

/// @title Registry of providers on top of the canonical ERC-8004 identity registry
/// @notice Rules and powers: see IComputeRegistry. It holds no money.
contract ComputeRegistry is Services, BindingViews, IComputeRegistry {
    /// @notice Peers, owner and first verifier.
    /// @param identity canonical ERC-8004 identity registry
    /// @param staking bond contract, which may be deployed later at this address
    /// @param owner_ a timelock on public chains
    /// @param firstVerifier listed at once; zero for none. On Base it must rest on the vendor's root
    constructor(
        IIdentityRegistry identity,
        IComputeStaking staking,
        address owner_,
        IAttestationVerifier firstVerifier
    )
        EIP712("Jeju Compute Node", "1")
        Governed(owner_)
        Providers(identity, staking)
        VerifierList(firstVerifier)
    {}

    /// @notice EIP-5267.
    /// @dev The two of the constructor: both names are short, and the library's way of keeping longer ones is code that has no room here.
    /// @return fields that the domain has
    /// @return name of the domain
    /// @return version of it
    /// @return chainId of this chain
    /// @return verifyingContract this one
    /// @return salt none
    /// @return extensions none
    function eip712Domain()
        public
        view
        override
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        (fields, name, version) = (0x0f, "Jeju Compute Node", "1");
        (chainId, verifyingContract) = (block.chainid, address(this));
    }
}
