// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "./CollateralReader.sol";
import {DerReader} from "./DerReader.sol";
import {DocumentReader} from "./DocumentReader.sol";
import {JsonCursor} from "./JsonCursor.sol";

/// @title Evaluation data numbers of TDX, version 1 (Intel PCS API v4)
/// @notice The standard number is the highest whose recovery event lies at least twelve months back. Anyone could otherwise
/// push the collateral of a newer number, signed as well, and with it turn honest platforms OutOfDate.
library EvaluationNumbersReader {
    uint256 private constant STANDARD_YEARS = 1;

    error NoStandardNumber();

    /// @notice `next` is the number that is standard from `nextFrom` on; both are zero where the list names none.
    function read(bytes calldata document, uint256 time)
        internal
        pure
        returns (CollateralReader.Head memory head, uint256 standard, uint256 next, uint256 nextFrom)
    {
        (uint256 pos, uint256 end) = DocumentReader.bounds(document);
        pos = JsonCursor.expect(pos, '{"id":"TDX","version":1,', 24);
        pos = DocumentReader.dates(pos, head);
        pos = JsonCursor.expect(pos, '"tcbEvalNumbers":[', 18);
        uint256 start = pos;
        uint256 number;
        uint256 from;
        while (true) {
            (number, from, pos) = _entry(pos);
            if (from <= time && number > standard) standard = number;
            if (!JsonCursor.isNext(pos, ",", 1)) break;
            ++pos;
        }
        require(standard != 0, NoStandardNumber());
        pos = JsonCursor.expect(pos, "]}", 2);
        DerReader.requireEnd(pos, end);

        pos = start;
        while (true) {
            (number, from, pos) = _entry(pos);
            bool sooner = nextFrom == 0 || from < nextFrom || (from == nextFrom && number > next);
            if (from > time && number > standard && sooner) (next, nextFrom) = (number, from);
            if (!JsonCursor.isNext(pos, ",", 1)) break;
            ++pos;
        }
    }

    function _entry(uint256 pos) private pure returns (uint256 number, uint256 from, uint256 next) {
        pos = JsonCursor.expect(pos, "{", 1);
        (number, pos) = DocumentReader.evaluationNumber(pos);
        pos = JsonCursor.expect(pos, ',"tcbRecoveryEventDate":"', 25);
        (from, pos) = JsonCursor.date(pos, STANDARD_YEARS);
        pos = JsonCursor.expect(pos, '","tcbDate":"', 13);
        (, pos) = JsonCursor.date(pos, 0);
        next = JsonCursor.expect(pos, '"}', 2);
    }
}
