// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The cheat codes that scripts here use
/// @notice forge-std is not published on npm.
interface Vm {
    enum CallerMode {
        None,
        Broadcast,
        RecurrentBroadcast,
        Prank,
        RecurrentPrank
    }

    function startBroadcast() external;
    function stopBroadcast() external;
    function readCallers() external returns (CallerMode mode, address sender, address origin);
    function getNonce(address account) external view returns (uint64);
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function envString(string calldata name) external view returns (string memory);
    function envOr(string calldata name, address defaultValue) external view returns (address);
    function envOr(string calldata name, bool defaultValue) external view returns (bool);
    function envOr(string calldata name, bytes32 defaultValue) external view returns (bytes32);
    function serializeAddress(string calldata object, string calldata key, address value)
        external
        returns (string memory json);
    function serializeUint(string calldata object, string calldata key, uint256 value)
        external
        returns (string memory json);
    function serializeBytes32(string calldata object, string calldata key, bytes32 value)
        external
        returns (string memory json);
    function serializeString(string calldata object, string calldata key, string calldata value)
        external
        returns (string memory json);
    function writeFile(string calldata path, string calldata text) external;
}

/// @title Base of scripts
abstract contract Script {
    /// @notice forge runs contracts that carry this.
    bool public constant IS_SCRIPT = true;

    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}
