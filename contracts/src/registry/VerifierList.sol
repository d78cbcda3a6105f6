// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governed} from "../governance/Governed.sol";
import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IVerifierList} from "../interfaces/registry/IVerifierList.sol";

/// @title Append-only list of verifiers
/// @notice Rules: see IVerifierList.
abstract contract VerifierList is Governed, IVerifierList {
    /// @dev The first slot, which every attestation reads, and a second for evidence alone; the rule counts enum and contract as
    /// whole ones.
    // solhint-disable-next-line gas-struct-packing
    struct VerifierRow {
        IAttestationVerifier verifier;
        uint40 acceptableAt;
        uint40 listedInBlock;
        VerifierState state;
        bool simulated;
        uint40 droppedInBlock;
    }

    /// @notice From proposal to acceptance; whoever disagrees sees it coming.
    uint256 public constant VERIFIER_DELAY = 48 hours;
    /// @notice Entries in all; whoever goes through them does a bounded amount of work.
    uint256 public constant MAX_VERIFIERS = 32;
    /// @dev Chain on which no simulated root is taken, whoever asks.
    uint256 private constant BASE_CHAIN_ID = 8453;

    /// @inheritdoc IVerifierList
    address public remover;
    /// @inheritdoc IVerifierList
    uint8 public verifierCount;

    VerifierRow[MAX_VERIFIERS] internal _verifiers;

    constructor(IAttestationVerifier first) {
        if (address(first) == address(0)) return;
        uint256 index = _append(first, block.timestamp);
        _list(index, _verifiers[index]);
    }

    /// @inheritdoc IVerifierList
    function proposeVerifier(IAttestationVerifier verifier) external onlyOwner returns (uint256 index) {
        return _append(verifier, block.timestamp + VERIFIER_DELAY);
    }

    /// @inheritdoc IVerifierList
    function acceptVerifier(uint256 index) external {
        VerifierRow storage row = _requireVerifier(index);
        require(
            row.state == VerifierState.PROPOSED, WrongVerifierState(index, VerifierState.PROPOSED, row.state)
        );
        require(block.timestamp >= row.acceptableAt, TooEarly(row.acceptableAt, block.timestamp));
        // Asked again: a verifier that was not simulated may have become so, and never the reverse.
        if (_requireRoot(row.verifier)) row.simulated = true;

        _list(index, row);
    }

    /// @inheritdoc IVerifierList
    function dropVerifier(uint256 index) external {
        require(msg.sender == owner() || msg.sender == remover, NotRemover(msg.sender));
        VerifierRow storage row = _requireVerifier(index);
        require(
            row.state != VerifierState.DROPPED, WrongVerifierState(index, VerifierState.LISTED, row.state)
        );

        row.state = VerifierState.DROPPED;
        row.droppedInBlock = uint40(block.number);

        emit VerifierDropped(index, msg.sender);
    }

    /// @inheritdoc IVerifierList
    function setRemover(address remover_) external onlyOwner {
        address previous = remover;

        remover = remover_;

        emit RemoverChanged(previous, remover_);
    }

    /// @inheritdoc IVerifierList
    function verifierAt(uint256 index) external view returns (Verifier memory) {
        VerifierRow storage row = _requireVerifier(index);
        return Verifier({
            verifier: row.verifier,
            state: row.state,
            simulated: row.simulated,
            acceptableAt: row.acceptableAt,
            listedInBlock: row.listedInBlock,
            droppedInBlock: row.droppedInBlock
        });
    }

    function _requireListed(uint256 index) internal view returns (VerifierRow storage row) {
        row = _requireVerifier(index);
        require(row.state == VerifierState.LISTED, WrongVerifierState(index, VerifierState.LISTED, row.state));
    }

    function _append(IAttestationVerifier verifier, uint256 acceptableAt) private returns (uint256 index) {
        index = verifierCount;
        require(index < MAX_VERIFIERS, TooManyVerifiers(MAX_VERIFIERS));
        require(address(verifier).code.length != 0, VerifierWithoutCode(address(verifier)));
        bool simulated = _requireRoot(verifier);

        verifierCount = uint8(index + 1);
        VerifierRow storage row = _verifiers[index];
        row.verifier = verifier;
        row.acceptableAt = uint40(acceptableAt);
        row.state = VerifierState.PROPOSED;
        row.simulated = simulated;

        emit VerifierProposed(index, verifier, simulated, uint64(acceptableAt));
    }

    function _list(uint256 index, VerifierRow storage row) private {
        row.state = VerifierState.LISTED;
        row.listedInBlock = uint40(block.number);

        emit VerifierListed(index, row.verifier, row.simulated);
    }

    /// @dev By the row itself: the count would be a second slot to read.
    function _requireVerifier(uint256 index) private view returns (VerifierRow storage row) {
        require(index < MAX_VERIFIERS, UnknownVerifier(index));
        row = _verifiers[index];
        require(row.state != VerifierState.NONE, UnknownVerifier(index));
    }

    /// @dev Attack R14: play evidence is worth nothing where money is real.
    function _requireRoot(IAttestationVerifier verifier) private view returns (bool simulated) {
        simulated = verifier.isSimulated();
        require(
            !simulated || block.chainid != BASE_CHAIN_ID, SimulatedVerifier(address(verifier), block.chainid)
        );
    }
}
