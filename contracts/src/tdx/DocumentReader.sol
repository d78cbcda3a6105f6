// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "./CollateralReader.sol";
import {DerReader} from "./DerReader.sol";
import {JsonCursor} from "./JsonCursor.sol";
import {TcbStatus} from "./TcbStatus.sol";

/// @title What Intel's signed documents have in common
/// @notice Members in Intel's order and spelling.
library DocumentReader {
    uint256 internal constant MAX_EVALUATION_NUMBER = 0xffff;

    error UnknownStatus(bytes32 actual);
    error TooMany(uint256 max);

    /// @notice Calldata of a document.
    function bounds(bytes calldata document) internal pure returns (uint256 pos, uint256 end) {
        assembly ("memory-safe") {
            pos := document.offset
            end := add(pos, document.length)
        }
    }

    /// @notice `"issueDate":"…","nextUpdate":"…",`
    function dates(uint256 pos, CollateralReader.Head memory head) internal pure returns (uint256) {
        pos = JsonCursor.expect(pos, '"issueDate":"', 13);
        (head.issueDate, pos) = JsonCursor.date(pos, 0);
        pos = JsonCursor.expect(pos, '","nextUpdate":"', 16);
        (head.nextUpdate, pos) = JsonCursor.date(pos, 0);
        return JsonCursor.expect(pos, '",', 2);
    }

    /// @notice `"tcbEvaluationDataNumber":n`
    function evaluationNumber(uint256 pos) internal pure returns (uint256 value, uint256 next) {
        pos = JsonCursor.expect(pos, '"tcbEvaluationDataNumber":', 26);
        return JsonCursor.number(pos, MAX_EVALUATION_NUMBER);
    }

    /// @notice `,"tcbDate":"…","tcbStatus":"…"[,"advisoryIDs":[…]]}`, the end of a level.
    /// @param ofComponent a level of module or quoting enclave, which is UpToDate, OutOfDate or Revoked
    function levelEnd(uint256 pos, bool ofComponent) internal pure returns (uint256 status, uint256 next) {
        pos = JsonCursor.expect(pos, ',"tcbDate":"', 12);
        (, pos) = JsonCursor.date(pos, 0);
        pos = JsonCursor.expect(pos, '","tcbStatus":"', 15);
        (status, pos) = _status(pos);
        require(
            !ofComponent || status == TcbStatus.UP_TO_DATE || status == TcbStatus.OUT_OF_DATE
                || status == TcbStatus.REVOKED,
            UnknownStatus(bytes32(DerReader.load(pos)))
        );
        if (JsonCursor.isNext(pos, ',"advisoryIDs":[', 16)) pos = _skipTexts(pos + 16);
        next = JsonCursor.expect(pos, "}", 1);
    }

    /// @notice `[{"tcb":{"isvsvn":n},…},…]`, levels of a component: SVN and status in 24 bits each, best first whatever their
    /// order in the document, as Intel's library has them.
    function svnLevels(uint256 pos, uint256 max)
        internal
        pure
        returns (uint256[] memory levels, uint256 next)
    {
        levels = new uint256[](max);
        uint256 count;
        pos = JsonCursor.expect(pos, "[", 1);
        while (true) {
            require(count < max, TooMany(max));
            uint256 svn;
            uint256 status;
            pos = JsonCursor.expect(pos, '{"tcb":{"isvsvn":', 17);
            (svn, pos) = JsonCursor.number(pos, 0xffff);
            pos = JsonCursor.expect(pos, "}", 1);
            (status, pos) = levelEnd(pos, true);
            uint256 place = count;
            while (place != 0 && levels[place - 1] >> 8 < svn) {
                levels[place] = levels[place - 1];
                --place;
            }
            levels[place] = svn << 8 | status;
            ++count;
            if (!JsonCursor.isNext(pos, ",", 1)) break;
            ++pos;
        }
        next = JsonCursor.expect(pos, "]", 1);
        assembly ("memory-safe") {
            mstore(levels, count)
        }
    }

    /// No literal is longer than 32 bytes, so that the longest is compared in two parts.
    function _status(uint256 pos) private pure returns (uint256 status, uint256 next) {
        unchecked {
            if (JsonCursor.isNext(pos, 'UpToDate"', 9)) return (TcbStatus.UP_TO_DATE, pos + 9);
            if (JsonCursor.isNext(pos, 'OutOfDate"', 10)) return (TcbStatus.OUT_OF_DATE, pos + 10);
            if (JsonCursor.isNext(pos, 'SWHardeningNeeded"', 18)) {
                return (TcbStatus.SW_HARDENING_NEEDED, pos + 18);
            }
            if (JsonCursor.isNext(pos, 'ConfigurationNeeded"', 20)) {
                return (TcbStatus.CONFIGURATION_NEEDED, pos + 20);
            }
            if (
                JsonCursor.isNext(pos, "ConfigurationAndSWHardening", 27)
                    && JsonCursor.isNext(pos + 27, 'Needed"', 7)
            ) return (TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED, pos + 34);
            if (JsonCursor.isNext(pos, 'OutOfDateConfigurationNeeded"', 29)) {
                return (TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED, pos + 29);
            }
            require(JsonCursor.isNext(pos, 'Revoked"', 8), UnknownStatus(bytes32(DerReader.load(pos))));
            return (TcbStatus.REVOKED, pos + 8);
        }
    }

    /// Strings up to a closing bracket.
    function _skipTexts(uint256 pos) private pure returns (uint256) {
        unchecked {
            if (JsonCursor.isNext(pos, "]", 1)) return pos + 1;
            while (true) {
                pos = JsonCursor.skipString(JsonCursor.expect(pos, '"', 1));
                if (!JsonCursor.isNext(pos, ",", 1)) break;
                ++pos;
            }
            return JsonCursor.expect(pos, "]", 1);
        }
    }
}
