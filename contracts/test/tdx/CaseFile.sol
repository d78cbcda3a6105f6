// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../Test.sol";

/// @title A quote with collateral and an expected verdict
/// @notice As test/contracts/tdx/case-file.ts writes it; numbers are those of parts.
struct CaseRow {
    string id;
    uint256 time;
    bytes32 rootHash;
    uint256[] roots;
    uint256[] authorities;
    uint256 pck;
    uint256 rootCrl;
    uint256 pckCrl;
    uint256 tcbInfo;
    uint256 tcbInfoSignature;
    uint256 qeIdentity;
    uint256 qeIdentitySignature;
    uint256 quote;
    uint256 numbers;
    uint256 numbersSignature;
    bytes32 x;
    bytes32 y;
    uint256 tcbInfoNumber;
    uint256 qeIdentityNumber;
    uint256 expected;
    uint256[] refusedDocuments;
    uint256[] refusedSignatures;
    uint256[] refusedLists;
}

/// @title The same with its parts
struct Case {
    string id;
    uint256 time;
    bytes32 rootHash;
    bytes[] roots;
    bytes[] authorities;
    bytes pck;
    bytes rootCrl;
    bytes pckCrl;
    bytes tcbInfo;
    bytes tcbInfoSignature;
    bytes qeIdentity;
    bytes qeIdentitySignature;
    bytes quote;
    /// A list of evaluation numbers, or nothing.
    bytes numbers;
    bytes numbersSignature;
    bytes32 x;
    bytes32 y;
    uint256 tcbInfoNumber;
    uint256 qeIdentityNumber;
    /// A code of TcbStatus, or `REFUSED`.
    uint256 expected;
    /// Signed by the same key, and refused by every upsert once the rest is there.
    bytes[] refusedDocuments;
    bytes[] refusedSignatures;
    bytes[] refusedLists;
}

uint256 constant REFUSED = 255;

/// @title Reads files of cases
abstract contract CaseFile is Test {
    /// @notice Made by the simulator and kept in the repository.
    string internal constant STORED = "test/tdx/vectors/cases.abi";

    error NoSuchCase(string id);

    function _load(string memory path) internal view returns (bytes[] memory parts, CaseRow[] memory rows) {
        return abi.decode(vm.readFileBinary(path), (bytes[], CaseRow[]));
    }

    function _case(string memory path, string memory id) internal view returns (Case memory) {
        (bytes[] memory parts, CaseRow[] memory rows) = _load(path);
        for (uint256 i = 0; i < rows.length; ++i) {
            if (keccak256(bytes(rows[i].id)) == keccak256(bytes(id))) return _whole(parts, rows[i]);
        }
        revert NoSuchCase(id);
    }

    function _whole(bytes[] memory parts, CaseRow memory row) internal pure returns (Case memory c) {
        c.id = row.id;
        c.time = row.time;
        c.rootHash = row.rootHash;
        c.roots = _pick(parts, row.roots);
        c.authorities = _pick(parts, row.authorities);
        c.pck = parts[row.pck];
        c.rootCrl = parts[row.rootCrl];
        c.pckCrl = parts[row.pckCrl];
        c.tcbInfo = parts[row.tcbInfo];
        c.tcbInfoSignature = parts[row.tcbInfoSignature];
        c.qeIdentity = parts[row.qeIdentity];
        c.qeIdentitySignature = parts[row.qeIdentitySignature];
        c.quote = parts[row.quote];
        c.numbers = parts[row.numbers];
        c.numbersSignature = parts[row.numbersSignature];
        c.x = row.x;
        c.y = row.y;
        c.tcbInfoNumber = row.tcbInfoNumber;
        c.qeIdentityNumber = row.qeIdentityNumber;
        c.expected = row.expected;
        c.refusedDocuments = _pick(parts, row.refusedDocuments);
        c.refusedSignatures = _pick(parts, row.refusedSignatures);
        c.refusedLists = _pick(parts, row.refusedLists);
    }

    /// Of a quote that has one: all up to and including the attestation key.
    function _reportOf(bytes memory quote) internal pure returns (bytes memory report) {
        uint256 length = quote[0] == 0x04 ? 764 : quote[48] == 0x02 ? 770 : 834;
        report = new bytes(quote.length < length ? quote.length : length);
        for (uint256 i = 0; i < report.length; ++i) {
            report[i] = quote[i];
        }
    }

    function _pick(bytes[] memory parts, uint256[] memory indexes)
        private
        pure
        returns (bytes[] memory picked)
    {
        picked = new bytes[](indexes.length);
        for (uint256 i = 0; i < indexes.length; ++i) {
            picked[i] = parts[indexes[i]];
        }
    }
}
