// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "./registry/IBindings.sol";
import {NodeStatement} from "./NodeStatement.sol";

/// @title Judge of attestation evidence
/// @notice What ComputeRegistry asks before it writes a tier. Views only: a verifier holds no power over a registry beyond
/// its answers, and none over money.
interface IAttestationVerifier {
    /// @notice What evidence shows of one statement. A tier is the verifier's result, never a caller's claim.
    struct Appraisal {
        IBindings.Tier tier;
        /// In the verifier's own code.
        uint8 tcbStatus;
        /// Unix seconds; the earliest end of anything it rests on.
        uint40 validUntil;
        /// Opaque, packed by the verifier: what `liveStatus` needs later.
        bytes25 record;
    }

    /// @notice Judges evidence against today's collateral and policy. Reverts with the reason where it does not hold.
    /// @param bindingId EIP-712 digest of the node's statement in the registry's domain: the first half of the report data
    /// @param blockNumber block that the freshness half of the report data names
    /// @param blockHash that block's hash
    /// @param namesDevices whether that statement names GPUs
    /// @param evidence in the verifier's own encoding
    /// @return what it shows
    function appraise(
        bytes32 bindingId,
        uint64 blockNumber,
        bytes32 blockHash,
        bool namesDevices,
        bytes calldata evidence
    ) external view returns (Appraisal memory);

    /// @notice The same question later, with the collateral and the allow-list of that moment. Never reverts.
    /// @param record from the appraisal
    /// @return acceptable whether policy and revocation still allow it
    /// @return tcbStatus in the verifier's own code, in which 6 says that the vendor revoked what it rests on
    /// @return validUntil end of the collateral in force, Unix seconds; in the past when it is stale, which anybody can
    /// mend by refreshing it
    function liveStatus(bytes25 record)
        external
        view
        returns (bool acceptable, uint8 tcbStatus, uint40 validUntil);

    /// @notice Whether the evidence showed the devices that the statement names, by software that is listed for having gathered
    /// their evidence itself. GpuDevices asks it before it records who holds them, with 30,000 gas; no answer counts as false.
    /// @param record from the appraisal
    /// @return under a simulated root too, whose tier does not say it
    function showsGpu(bytes25 record) external view returns (bool);

    /// @notice Whether the evidence fails a check that no passing of time can change (signature chain, report data,
    /// debug mode, measurement): grounds for slashing. False for evidence that is not of this verifier's kind.
    /// @param bindingId as in `appraise`
    /// @param statement that the bindingId is the digest of
    /// @param blockNumber as in `appraise`
    /// @param blockHash as in `appraise`
    /// @param evidence as in `appraise`
    /// @return true only where the evidence can never have been genuine
    function refutes(
        bytes32 bindingId,
        NodeStatement calldata statement,
        uint64 blockNumber,
        bytes32 blockHash,
        bytes calldata evidence
    ) external view returns (bool);

    /// @notice Whether its root of trust is another than the vendor's.
    /// @return true for a simulated root
    function isSimulated() external view returns (bool);
}
