// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title A dollar for local chains, that moves by signature as USDC does (EIP-3009)
/// @notice Anybody mints it, so it is worth nothing, and is deployed on no public chain.
contract DevnetDollar is ERC20, EIP712 {
    /// @notice EIP-3009 type of an authorisation.
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @notice Whether a payer's nonce is used.
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    /// @notice A payer's authorisation was used (EIP-3009).
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    /// @notice It is not valid yet, or not any more, at `timestamp`.
    error AuthorizationOutOfTime(uint256 validAfter, uint256 validBefore, uint256 timestamp);
    /// @notice The payer has used this nonce.
    error AuthorizationUsedBefore(address authorizer, bytes32 nonce);
    /// @notice Signed by somebody else than the payer.
    error AuthorizationNotByPayer(address expected, address actual);

    /// @notice Name and version are those of USDC on Base Sepolia.
    constructor() ERC20("USDC", "USDC") EIP712("USDC", "2") {}

    /// @notice As many as anybody wants.
    /// @param to who gets them
    /// @param value millionths
    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    /// @notice Moves what the payer has signed for, once, within its time; sent by anybody (EIP-3009).
    /// @param from the payer
    /// @param to the payee
    /// @param value millionths
    /// @param validAfter Unix seconds, exclusive
    /// @param validBefore Unix seconds, exclusive
    /// @param nonce 32 bytes of the payer's choice
    /// @param v of the signature, 27 or 28
    /// @param r of the signature
    /// @param s of the signature
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(
            block.timestamp > validAfter && block.timestamp < validBefore,
            AuthorizationOutOfTime(validAfter, validBefore, block.timestamp)
        );
        require(!authorizationState[from][nonce], AuthorizationUsedBefore(from, nonce));
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
                )
            )
        );
        address signer = ECDSA.recover(digest, v, r, s);
        require(signer == from, AuthorizationNotByPayer(from, signer));

        authorizationState[from][nonce] = true;

        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
