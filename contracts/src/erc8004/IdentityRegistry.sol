// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {AccountSignatureLib} from "../libraries/AccountSignatureLib.sol";

/// @title ERC-8004 identity registry for local chains
/// @notice Written from the specification for Anvil and tests; public chains have the canonical registry and the deploy
/// script refuses to put this one there.
contract IdentityRegistry is IIdentityRegistry, ERC721URIStorage, EIP712 {
    /// @notice Longest life of a wallet's consent.
    uint256 public constant MAX_WALLET_CONSENT_LIFE = 5 minutes;

    bytes32 private constant AGENT_WALLET_SET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    string private constant AGENT_WALLET = "agentWallet";
    bytes32 private constant AGENT_WALLET_HASH = keccak256("agentWallet");

    uint256 private _nextId;
    mapping(uint256 agentId => mapping(string key => bytes value)) private _metadata;

    error ReservedKey(string metadataKey);
    error ZeroWallet();
    error DeadlineOutOfRange(uint256 deadline, uint256 latest);
    error InvalidWalletSignature(address newWallet);

    constructor() ERC721("AgentIdentity", "AGENT") EIP712("ERC8004IdentityRegistry", "1") {}

    /// @inheritdoc IIdentityRegistry
    function register() external returns (uint256 agentId) {
        agentId = _mint();
        _announce(agentId, "");
    }

    /// @inheritdoc IIdentityRegistry
    function register(string calldata agentURI) external returns (uint256 agentId) {
        agentId = _mint();
        _setTokenURI(agentId, agentURI);
        _announce(agentId, agentURI);
    }

    /// @inheritdoc IIdentityRegistry
    function register(string calldata agentURI, MetadataEntry[] calldata metadata)
        external
        returns (uint256 agentId)
    {
        agentId = _mint();
        _setTokenURI(agentId, agentURI);
        _announce(agentId, agentURI);
        for (uint256 i = 0; i < metadata.length; ++i) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
    }

    /// @inheritdoc IIdentityRegistry
    function setAgentURI(uint256 agentId, string calldata newURI) external {
        _requireAuthorized(agentId);

        _setTokenURI(agentId, newURI);

        emit URIUpdated(agentId, newURI, msg.sender);
    }

    /// @inheritdoc IIdentityRegistry
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue)
        external
    {
        _requireAuthorized(agentId);

        _setMetadata(agentId, metadataKey, metadataValue);
    }

    /// @inheritdoc IIdentityRegistry
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature)
        external
    {
        address owner = _requireAuthorized(agentId);
        require(newWallet != address(0), ZeroWallet());
        uint256 latest = block.timestamp + MAX_WALLET_CONSENT_LIFE;
        require(deadline >= block.timestamp && deadline <= latest, DeadlineOutOfRange(deadline, latest));
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(AGENT_WALLET_SET_TYPEHASH, agentId, newWallet, owner, deadline))
        );
        require(
            AccountSignatureLib.isSignedBy(newWallet, digest, signature), InvalidWalletSignature(newWallet)
        );

        _setWallet(agentId, abi.encodePacked(newWallet));
    }

    /// @inheritdoc IIdentityRegistry
    function unsetAgentWallet(uint256 agentId) external {
        _requireAuthorized(agentId);

        _setWallet(agentId, "");
    }

    /// @inheritdoc IIdentityRegistry
    function getAgentWallet(uint256 agentId) external view returns (address) {
        return address(bytes20(_metadata[agentId][AGENT_WALLET]));
    }

    /// @inheritdoc IIdentityRegistry
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory) {
        return _metadata[agentId][metadataKey];
    }

    /// @notice Whether `spender` may act for the agent; in the canonical contract, not in the specification.
    /// @param spender any
    /// @param agentId of an agent; reverts for an unknown one
    /// @return true for owner, approved address and operators
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), spender, agentId);
    }

    /// @inheritdoc IIdentityRegistry
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @inheritdoc IIdentityRegistry
    function tokenURI(uint256 agentId)
        public
        view
        override(ERC721URIStorage, IIdentityRegistry)
        returns (string memory)
    {
        return super.tokenURI(agentId);
    }

    /// @dev A buyer must not receive payments at the seller's wallet, nor the seller the buyer's: cleared before the move.
    function _update(address to, uint256 agentId, address auth) internal override returns (address from) {
        if (_ownerOf(agentId) != address(0) && to != address(0)) _setWallet(agentId, "");
        return super._update(to, agentId, auth);
    }

    /// @dev The receiver's hook sees an agent with its wallet.
    function _mint() private returns (uint256 agentId) {
        agentId = _nextId;
        ++_nextId;
        _metadata[agentId][AGENT_WALLET] = abi.encodePacked(msg.sender);
        _safeMint(msg.sender, agentId);
    }

    function _announce(uint256 agentId, string memory agentURI) private {
        emit Registered(agentId, agentURI, msg.sender);
        emit MetadataSet(agentId, AGENT_WALLET, AGENT_WALLET, abi.encodePacked(msg.sender));
    }

    function _setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue)
        private
    {
        require(keccak256(bytes(metadataKey)) != AGENT_WALLET_HASH, ReservedKey(metadataKey));

        _metadata[agentId][metadataKey] = metadataValue;

        emit MetadataSet(agentId, metadataKey, metadataKey, metadataValue);
    }

    function _setWallet(uint256 agentId, bytes memory metadataValue) private {
        _metadata[agentId][AGENT_WALLET] = metadataValue;

        emit MetadataSet(agentId, AGENT_WALLET, AGENT_WALLET, metadataValue);
    }

    function _requireAuthorized(uint256 agentId) private view returns (address owner) {
        owner = _requireOwned(agentId);
        _checkAuthorized(owner, msg.sender, agentId);
    }
}
