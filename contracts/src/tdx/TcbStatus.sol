// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Codes of a TCB status
/// @notice Intel's names in the order of the DCAP verifiers on other chains. `REVOKED` and `UNRECOGNISED` are reasons to
/// refuse, never results; the last two say that the module of now is up to date while the one at launch was not.
library TcbStatus {
    uint8 internal constant UP_TO_DATE = 0;
    uint8 internal constant SW_HARDENING_NEEDED = 1;
    uint8 internal constant CONFIGURATION_AND_SW_HARDENING_NEEDED = 2;
    uint8 internal constant CONFIGURATION_NEEDED = 3;
    uint8 internal constant OUT_OF_DATE = 4;
    uint8 internal constant OUT_OF_DATE_CONFIGURATION_NEEDED = 5;
    uint8 internal constant REVOKED = 6;
    uint8 internal constant UNRECOGNISED = 7;
    uint8 internal constant TD_RELAUNCH_ADVISED = 8;
    uint8 internal constant TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED = 9;
}
