// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "../IComputeRegistry.sol";
import {IInferenceServing} from "../IInferenceServing.sol";
import {NodeStatement} from "../NodeStatement.sol";
import {IBindings} from "../registry/IBindings.sol";

/// @title Faults that a contract can check
/// @notice Anyone brings the evidence and it executes by itself: no vote, no owner, no pause. It reaches the provider bond of
/// the operator who is named in the binding's own statement, for that agent, bonded or unbonding; a later owner of the agent
/// answers for nothing (attack K3). Every proof also ends the binding. EIP-712 domain {name: "ComputeStaking", version: "1",
/// chainId, verifyingContract}.
///
/// Nothing in a conflict or in bad evidence names who found it, so a copy of the transaction could take the reward; and an
/// operator who sees any proof pending could be quicker with a signature of its own key. All evidence is therefore committed
/// to first: `commitEvidence`, then the proof no sooner than COMMIT_AGE later, no later than COMMIT_LIFE after that, and by the
/// same account. Whoever sees the proof pending would have to commit and wait while it is included. What remains: an operator
/// who renews commitments to its own faults every day can report itself first, and still loses 85 % (attacks K9, K10).
interface IEvidence {
    enum Kind {
        /// Two receipts for one authorisation.
        CONFLICT,
        /// Evidence that fails a check which no passing of time can change.
        BAD_ATTESTATION,
        /// A signature that no node makes.
        LEAKED_KEY
    }

    /// @notice Both receipts name the digest of `auth`, which names the binding whose signer signed them.
    struct Conflict {
        IInferenceServing.RequestAuth auth;
        IInferenceServing.Receipt first;
        bytes firstSig;
        IInferenceServing.Receipt second;
        bytes secondSig;
    }

    /// @notice `commitment` may be used by `reporter` from `usableFrom` until COMMIT_LIFE later.
    /// @param reporter who brought it
    /// @param commitment see `commitmentOf`
    /// @param usableFrom Unix seconds
    event EvidenceCommitted(address indexed reporter, bytes32 indexed commitment, uint64 usableFrom);
    /// @notice The binding has ended; `amount` of the bond was slashed.
    /// @param bindingId digest of a statement
    /// @param kind of the fault
    /// @param bondId that answers
    /// @param reporter who brought it
    /// @param amount wei slashed
    event EvidenceProven(
        bytes32 indexed bindingId, Kind indexed kind, bytes32 indexed bondId, address reporter, uint256 amount
    );

    error UnknownBinding(bytes32 bindingId);
    error AlreadyCommitted(address reporter, bytes32 commitment);
    error NotCommitted(bytes32 commitment);
    error CommitmentTooYoung(uint64 usableFrom, uint256 nowAt);
    error CommitmentExpired(uint64 usableUntil, uint256 nowAt);
    error AuthHashMismatch(bytes32 expected, bytes32 actual);
    error SameStatement(bytes32 digest);
    error StatementMismatch(bytes32 expected, bytes32 actual);
    error InvalidSignature(address expected, address actual);
    error NotRefuted(bytes32 bindingId);
    error AlreadyProven(bytes32 bindingId, Kind kind);
    error KeyKnownLeaked(address signer);
    error EvidenceTooLate(uint64 latest, uint256 nowAt);

    /// @notice Puts the caller's claim on evidence without showing it. Again only after it has expired.
    /// @param commitment see `commitmentOf`
    function commitEvidence(bytes32 commitment) external;

    /// @notice E1: half of the bond. Needs the caller's commitment to `conflictHash`. Once for each authorisation; more on the
    /// same key within UNBONDING of the first, and none once the key is known to have leaked, so that one fault is not punished
    /// for ever. What the user paid for that authorisation is made good (the cheaper receipt's fee, at most `maxFee`,
    /// what was paid, and VICTIM_BPS of the slash).
    /// @param conflict authorisation and receipts
    /// @param salt of the commitment
    function proveConflict(Conflict calldata conflict, bytes32 salt) external;

    /// @notice E2: the whole bond, once for each binding. Needs the caller's commitment to `attestationHash`. The registry's
    /// verifiers judge the very bytes the binding was granted on, at any of its grants; what time can change (TCB level,
    /// collateral, allow-list) refutes nothing.
    /// @param bindingId that was granted on the evidence
    /// @param statement that the bindingId is the digest of
    /// @param evidence as in `IBindings.refutesEvidence`
    /// @param proof that there was this grant, as there
    /// @param salt of the commitment
    function proveBadAttestation(
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence,
        IBindings.GrantProof calldata proof,
        bytes32 salt
    ) external;

    /// @notice E3: the whole bond, once for each key; every binding of the key can be ended with it. Needs the caller's
    /// commitment to `leakHash`.
    /// @param bindingId of the key
    /// @param signature by the binding's signer over `leakDigest(bindingId, caller)`
    /// @param salt of the commitment
    function proveLeakedKey(bytes32 bindingId, bytes calldata signature, bytes32 salt) external;

    /// @notice keccak256(abi.encode(reporter, evidenceHash, salt)).
    /// @param reporter who will prove it
    /// @param evidenceHash `conflictHash`, `attestationHash` or `leakHash`
    /// @param salt random, so that nobody recognises the evidence
    /// @return for `commitEvidence`
    function commitmentOf(address reporter, bytes32 evidenceHash, bytes32 salt)
        external
        pure
        returns (bytes32);
    /// @notice keccak256(abi.encode(bindingId, digest of `first`, digest of `second`)).
    /// @param conflict authorisation and receipts
    /// @return for `commitmentOf`
    function conflictHash(Conflict calldata conflict) external view returns (bytes32);
    /// @notice keccak256(abi.encode(bindingId, keccak256(evidence))).
    /// @param bindingId that was granted on the evidence
    /// @param evidence as in `proveBadAttestation`
    /// @return for `commitmentOf`
    function attestationHash(bytes32 bindingId, bytes calldata evidence) external pure returns (bytes32);
    /// @notice keccak256(abi.encode(bindingId, type hash of KeyLeak, keccak256(signature))).
    /// @param bindingId of the key
    /// @param signature as in `proveLeakedKey`
    /// @return for `commitmentOf`
    function leakHash(bytes32 bindingId, bytes calldata signature) external pure returns (bytes32);
    /// @notice Whether a conflict or the leak of this key was proven against this bond. Further evidence reaches the bond for a
    /// while or not at all, so the registry binds the key no more for it.
    /// @param bondId of a provider
    /// @param signer of a binding
    /// @return true for good once it is true
    function isKeySpent(bytes32 bondId, address signer) external view returns (bool);
    /// @notice EIP-712 digest of `KeyLeak(bytes32 bindingId,address reporter)`. No node ever signs this type.
    /// @param bindingId of the key
    /// @param reporter who will prove it
    /// @return what the leaked key signs
    function leakDigest(bytes32 bindingId, address reporter) external view returns (bytes32);
    /// @notice EIP-712.
    /// @return of this contract on this chain
    function domainSeparator() external view returns (bytes32);
    /// @notice Whose bindings are judged and ended.
    /// @return never changes
    function computeRegistry() external view returns (IComputeRegistry);
    /// @notice Whose receipts are judged.
    /// @return never changes
    function inferenceServing() external view returns (IInferenceServing);
}
