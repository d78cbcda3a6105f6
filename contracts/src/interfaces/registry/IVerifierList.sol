// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../IAttestationVerifier.sol";

/// @title Who judges evidence on chain
/// @notice Anybody may accept what the owner proposed once its notice is over; the remover and the owner drop it at once.
interface IVerifierList {
    enum VerifierState {
        NONE,
        PROPOSED,
        LISTED,
        DROPPED
    }

    struct Verifier {
        IAttestationVerifier verifier;
        VerifierState state;
        /// What the verifier said of itself when it was proposed or accepted; a tier of such a verifier is SIMULATED.
        bool simulated;
        /// When it may be accepted, Unix seconds.
        uint64 acceptableAt;
        /// Zero while it never was. Of what another verifier granted, it refutes only evidence that names a later block.
        uint64 listedInBlock;
        /// Zero while it was not. Of what another verifier granted, it refutes only evidence that names an earlier block.
        uint64 droppedInBlock;
    }

    /// @notice May be accepted from `acceptableAt`.
    /// @param index in the list
    /// @param verifier the entry
    /// @param simulated whether its root is another than the vendor's
    /// @param acceptableAt Unix seconds
    event VerifierProposed(
        uint256 indexed index, IAttestationVerifier indexed verifier, bool simulated, uint64 acceptableAt
    );
    /// @notice From now on evidence can be judged by it.
    /// @param index in the list
    /// @param verifier the entry
    /// @param simulated whether its root is another than the vendor's
    event VerifierListed(uint256 indexed index, IAttestationVerifier indexed verifier, bool simulated);
    /// @notice For good, at this index.
    /// @param index in the list
    /// @param actor who did it
    event VerifierDropped(uint256 indexed index, address indexed actor);
    /// @notice Who may drop verifiers beside the owner; zero for nobody.
    /// @param previous before
    /// @param current zero for nobody
    event RemoverChanged(address indexed previous, address indexed current);

    error VerifierWithoutCode(address verifier);
    error SimulatedVerifier(address verifier, uint256 chainId);
    error TooManyVerifiers(uint256 max);
    error UnknownVerifier(uint256 index);
    error WrongVerifierState(uint256 index, VerifierState expected, VerifierState actual);
    error TooEarly(uint64 earliest, uint256 nowAt);
    error NotRemover(address caller);

    /// @notice Owner only. A simulated root is refused on Base.
    /// @param verifier a contract whose judgement shall be taken
    /// @return index of the new entry
    function proposeVerifier(IAttestationVerifier verifier) external returns (uint256 index);

    /// @notice Anyone, 48 hours after the proposal.
    /// @param index of a proposed entry
    function acceptVerifier(uint256 index) external;

    /// @notice Owner or remover, at once: bindings that rest on it are out of policy, proposals are withdrawn. Earned
    /// receipts stay payable and the nodes may be attested by another verifier; what it granted can still be refuted.
    /// @param index of a proposed or listed entry
    function dropVerifier(uint256 index) external;

    /// @notice Owner only.
    /// @param remover_ who may drop verifiers beside the owner; zero for nobody
    function setRemover(address remover_) external;

    /// @notice Who may drop verifiers beside the owner.
    /// @return zero for nobody
    function remover() external view returns (address);

    /// @notice Reverts for an unknown index.
    /// @param index from 0
    /// @return the entry
    function verifierAt(uint256 index) external view returns (Verifier memory);

    /// @notice Entries, dropped ones included.
    /// @return indices are 0 … count - 1
    function verifierCount() external view returns (uint8);
}
