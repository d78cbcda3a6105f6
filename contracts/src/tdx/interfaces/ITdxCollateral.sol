// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Intel's signed documents on TDX, brought by anyone
/// @notice TCB info by FMSPC and evaluation number, identity of the quoting enclave by number, and the list of numbers that
/// says which one is standard: a newer number's collateral is signed just as well, and must not displace the standard's.
/// Each document is checked against the key of Intel's TCB signing certificate, which must be valid and not revoked, when
/// it comes in; issueDate never decreases. An upsert of what is known already changes nothing and does not revert.
interface ITdxCollateral {
    /// @notice TCB info of a family of platforms took effect. `digest` is the SHA-256 of the document.
    event TcbInfoUpserted(
        bytes6 indexed fmspc,
        uint256 indexed evaluationNumber,
        uint256 issueDate,
        uint256 nextUpdate,
        bytes32 digest
    );
    /// @notice An identity of the quoting enclave took effect.
    event QeIdentityUpserted(
        uint256 indexed evaluationNumber, uint256 issueDate, uint256 nextUpdate, bytes32 digest
    );
    /// @notice A list of evaluation numbers took effect: `standard` now, `next` from `nextFrom` on.
    event EvaluationNumbersUpserted(
        uint256 standard,
        uint256 next,
        uint256 nextFrom,
        uint256 issueDate,
        uint256 nextUpdate,
        bytes32 digest
    );

    error SignatureLength(uint256 expected, uint256 actual);
    error DocumentNotInForce(uint256 issueDate, uint256 nextUpdate, uint256 time);
    error OlderDocument(uint256 latest, uint256 actual);
    error BlobNotStored();

    /// @notice Gives TCB info of a family of platforms.
    /// @param document the exact text that was signed, the value of `tcbInfo`
    /// @param signature r ‖ s
    function upsertTcbInfo(bytes calldata document, bytes calldata signature) external;

    /// @notice Gives an identity of the quoting enclave.
    /// @param document the exact text that was signed, the value of `enclaveIdentity`
    /// @param signature r ‖ s
    function upsertQeIdentity(bytes calldata document, bytes calldata signature) external;

    /// @notice The list in force may be given again, so that a number that has become standard since is followed by its next.
    /// @param document the exact text that was signed, the value of `tcbEvaluationDataNumbers`
    /// @param signature r ‖ s
    function upsertEvaluationNumbers(bytes calldata document, bytes calldata signature) external;

    /// @notice The number that checks use now, and until when the list behind it counts. Zero: none.
    function standardEvaluationNumber() external view returns (uint256 number, uint256 until);

    /// @notice Dates of what is stored; zeros: nothing. `revoked`: by a key that was revoked since.
    function tcbInfoOf(bytes6 fmspc, uint256 evaluationNumber)
        external
        view
        returns (uint256 issueDate, uint256 until, bool revoked);

    /// @notice Dates of what is stored; zeros: nothing. `revoked`: by a key that was revoked since.
    function qeIdentityOf(uint256 evaluationNumber)
        external
        view
        returns (uint256 issueDate, uint256 until, bool revoked);

    /// @notice The contract that reads documents.
    function collateralReader() external view returns (address);
}
