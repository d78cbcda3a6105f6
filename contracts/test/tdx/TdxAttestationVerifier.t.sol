// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxAttestationVerifier} from "../../src/TdxAttestationVerifier.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IMeasurementPolicy} from "../../src/interfaces/IMeasurementPolicy.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {JudgeFixture} from "./JudgeFixture.sol";

/// @title Evidence as the registry has it judged
contract TdxAttestationVerifierTest is JudgeFixture {
    uint40 private constant STALE = 0;
    uint40 private constant NEVER_STALE = type(uint40).max;

    /* WHAT IS SHOWN */

    function test_appraise() public view {
        IAttestationVerifier.Appraisal memory a = _appraise(_evidence(_quote, 1, 0));
        vm.assertEq(uint256(a.tier), uint256(IBindings.Tier.SIMULATED));
        vm.assertEq(a.tcbStatus, TcbStatus.UP_TO_DATE);
        // The entry's limit is nearer than the end of the collateral.
        vm.assertEq(a.validUntil, genuine.time + 7 days);
        vm.assertTrue(_judge.isSimulated());
        (bool acceptable, uint8 status, uint40 until) = _judge.liveStatus(a.record);
        vm.assertTrue(acceptable);
        vm.assertEq(status, TcbStatus.UP_TO_DATE);
        vm.assertEq(until, genuine.time + 29 days - 1);
    }

    /// The tier is the verifier's and the entry's: simulated whatever the entry says, a GPU only where both halves name one.
    function test_tiers() public {
        ITdxVerifier real = verifier;
        vm.mockCall(address(real), abi.encodeCall(real.isSimulated, ()), abi.encode(false));
        TdxAttestationVerifier judge = _newJudge();
        vm.clearMockedCalls();
        IMeasurementPolicy.Rule memory rule = _rule();
        rule.tier = IBindings.Tier.TDX_GPU;
        bytes32 rtmr3 = keccak256(_slice(_quote, BODY + 472, 48));
        vm.warp(genuine.time - 3 days);
        IMeasurementPolicy.Measurement memory composed =
            _measurement(IMeasurementPolicy.WorkloadPin.COMPOSE_HASH, COMPOSE);
        _list(judge, composed, _rule());
        _list(judge, _measurement(IMeasurementPolicy.WorkloadPin.RTMR3, rtmr3), rule);
        vm.warp(genuine.time - 3 days);
        _list(_judge, _measurement(IMeasurementPolicy.WorkloadPin.RTMR3, rtmr3), rule);
        vm.warp(genuine.time);

        bytes32 digest = keccak256("gpu");
        bytes memory withGpu = _register(genuine.quote, digest);
        vm.assertEq(_tier(judge, _evidence(_quote, 1, 0)), uint256(IBindings.Tier.TDX));
        vm.assertEq(_tier(judge, _evidence(_quote, 2, 0)), uint256(IBindings.Tier.TDX));
        vm.assertEq(_tier(judge, _evidence(withGpu, 2, digest)), uint256(IBindings.Tier.TDX));
        _namesDevices = true;
        vm.assertEq(_tier(judge, _evidence(withGpu, 2, digest)), uint256(IBindings.Tier.TDX_GPU));
        // Software that is listed without one gets none by bringing one.
        vm.assertEq(_tier(judge, _evidence(withGpu, 1, digest)), uint256(IBindings.Tier.TDX));
        vm.assertEq(_tier(_judge, _evidence(withGpu, 2, digest)), uint256(IBindings.Tier.SIMULATED));
        // The note says it under a simulated root too, and nothing else of the note is touched by it.
        bytes25 shown = _appraise(_evidence(withGpu, 2, digest)).record;
        vm.assertTrue(_judge.showsGpu(shown));
        vm.assertFalse(_judge.showsGpu(_appraise(_evidence(withGpu, 1, digest)).record));
        vm.assertFalse(_judge.showsGpu(_appraise(_evidence(_quote, 2, 0)).record));
        vm.assertEq(bytes32(shown ^ _appraise(_evidence(_quote, 2, 0)).record), bytes32(uint256(1) << 87));
        (bool acceptable,,) = _judge.liveStatus(shown);
        vm.assertTrue(acceptable);
        _namesDevices = false;
        vm.assertFalse(_judge.showsGpu(_appraise(_evidence(withGpu, 2, digest)).record));
    }

    /* BINDING AND FRESHNESS */

    function test_binding_fields() public {
        bytes memory evidence = _evidence(_quote, 1, 0);
        bytes32 other = keccak256("other");
        vm.expectRevert(
            abi.encodeWithSelector(TdxAttestationVerifier.BindingMismatch.selector, other, BINDING)
        );
        _judge.appraise(other, BLOCK, BLOCK_HASH, _namesDevices, evidence);
        bytes32 fresh = _freshness(BLOCK, BLOCK_HASH, 0, "jeju/registration/v1");
        vm.expectRevert(
            abi.encodeWithSelector(
                TdxAttestationVerifier.FreshnessMismatch.selector,
                _freshness(BLOCK + 1, BLOCK_HASH, 0, "jeju/registration/v1"),
                fresh
            )
        );
        _judge.appraise(BINDING, BLOCK + 1, BLOCK_HASH, _namesDevices, evidence);
        vm.expectPartialRevert(TdxAttestationVerifier.FreshnessMismatch.selector);
        _judge.appraise(BINDING, BLOCK, other, _namesDevices, evidence);
        vm.expectPartialRevert(TdxAttestationVerifier.FreshnessMismatch.selector);
        _appraise(_evidence(_quote, 1, other));
    }

    /// A live challenge is no registration.
    function test_only_the_registration_tag() public {
        bytes32 challenge = _freshness(BLOCK, BLOCK_HASH, 0, "jeju/challenge/v1");
        bytes memory quote = _resign(_put(_quote, BODY + 552, challenge));
        vm.expectPartialRevert(TdxAttestationVerifier.FreshnessMismatch.selector);
        _appraise(_evidence(quote, 1, 0));
    }

    function test_format() public {
        vm.expectRevert(abi.encodeWithSelector(TdxAttestationVerifier.EvidenceTooShort.selector, 98, 97));
        _appraise(new bytes(97));
        vm.expectRevert(abi.encodeWithSelector(TdxAttestationVerifier.EvidenceFormat.selector, 1, 0));
        _appraise(new bytes(98));
        vm.expectRevert(abi.encodeWithSelector(TdxAttestationVerifier.UnknownPin.selector, 3));
        _appraise(_evidence(_quote, 3, 0));
        vm.expectPartialRevert(ITdxVerifier.QuoteRefused.selector);
        _appraise(_evidence(_with(_quote, BODY, 9), 1, 0));
    }

    /* MEASUREMENT */

    function test_measurement_not_a_parameter() public {
        // Nothing in the evidence but the quote says what was measured; every measured register is part of the key.
        uint256[6] memory places = [uint256(136), 232, 280, 328, 376, 424];
        for (uint256 i = 0; i < places.length; ++i) {
            bytes memory quote = _resign(_with(_quote, BODY + places[i] + 47, 0xee));
            vm.expectPartialRevert(TdxAttestationVerifier.MeasurementNotListed.selector);
            _appraise(_evidence(quote, 1, 0));
        }
        // RTMR3 differs from instance to instance, and is not pinned here.
        _appraise(_evidence(_resign(_with(_quote, BODY + 472, 0xee)), 1, 0));
    }

    function test_compose_hash_is_that_of_version_1() public {
        bytes memory quote = _resign(_with(_quote, BODY + 184, 2));
        vm.expectPartialRevert(TdxAttestationVerifier.NoComposeHash.selector);
        _appraise(_evidence(quote, 1, 0));
        quote = _resign(_with(_quote, BODY + 184 + 47, 1));
        vm.expectPartialRevert(TdxAttestationVerifier.NoComposeHash.selector);
        _appraise(_evidence(quote, 1, 0));
        quote = _resign(_with(_quote, BODY + 184 + 32, uint8(_quote[BODY + 184 + 32]) ^ 1));
        vm.expectPartialRevert(TdxAttestationVerifier.MeasurementNotListed.selector);
        _appraise(_evidence(quote, 1, 0));
        // Under no pin, or under the other one, it is not listed.
        vm.expectPartialRevert(TdxAttestationVerifier.MeasurementNotListed.selector);
        _appraise(_evidence(_quote, 0, 0));
        vm.expectPartialRevert(TdxAttestationVerifier.MeasurementNotListed.selector);
        _appraise(_evidence(_quote, 2, 0));
    }

    function test_attributes_per_entry() public {
        // PKS is known and not allowed here; SEPT_VE_DISABLE must be set. Both are in the image's id as well.
        bytes memory quote = _resign(_with(_quote, BODY + 123, 0x50));
        _listImageOf(quote, _rule());
        vm.expectRevert(
            abi.encodeWithSelector(
                TdxAttestationVerifier.TdAttributesNotAllowed.selector, SEPT_VE_DISABLE, uint64(0x50000000)
            )
        );
        _appraise(_evidence(quote, 1, 0));
        quote = _resign(_with(_quote, BODY + 123, 0));
        _listImageOf(quote, _rule());
        vm.expectPartialRevert(TdxAttestationVerifier.TdAttributesNotAllowed.selector);
        _appraise(_evidence(quote, 1, 0));
    }

    /// TDX 1.5 with a service TD only where the entry names it.
    function test_mr_service_td() public {
        bytes memory quote = _stored("genuine-v5").quote;
        quote = _put(
            _put(quote, 54 + 520, BINDING), 54 + 552, _freshness(BLOCK, BLOCK_HASH, 0, "jeju/registration/v1")
        );
        quote = _put(_with(quote, 54 + 184, 1), 54 + 185, COMPOSE);
        quote = _resign(quote, 702);
        vm.assertEq(_appraise(_evidence(quote, 1, 0)).tcbStatus, TcbStatus.UP_TO_DATE);
        quote = _resign(_with(quote, 54 + 600 + 47, 1), 702);
        vm.expectPartialRevert(TdxAttestationVerifier.MeasurementNotListed.selector);
        _appraise(_evidence(quote, 1, 0));
        IMeasurementPolicy.Measurement memory m =
            _measurement(IMeasurementPolicy.WorkloadPin.COMPOSE_HASH, COMPOSE);
        m.mrServiceTd = keccak256(_slice(quote, 54 + 600, 48));
        vm.warp(genuine.time - 3 days);
        _list(_judge, m, _rule());
        vm.warp(genuine.time);
        vm.assertEq(_appraise(_evidence(quote, 1, 0)).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    /* STATUS, THEN AND NOW */

    function test_out_of_date_is_never_listed() public {
        bytes memory quote = _register(_stored("qe-out-of-date").quote, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                TdxAttestationVerifier.TcbStatusNotAllowed.selector, 0x03, TcbStatus.OUT_OF_DATE
            )
        );
        _appraise(_evidence(quote, 1, 0));
    }

    /// New collateral changes the answer without a new quote; refreshing what ran out brings it back.
    function test_live_status() public {
        bytes25 record = _appraise(_evidence(_quote, 1, 0)).record;
        uint256 id = vm.snapshotState();
        _restate("UpToDate", "OutOfDate");
        (bool acceptable, uint8 status,) = _judge.liveStatus(record);
        vm.assertFalse(acceptable);
        vm.assertEq(status, TcbStatus.OUT_OF_DATE);

        vm.revertToState(id);
        id = vm.snapshotState();
        _judge.remove(_key);
        (acceptable, status,) = _judge.liveStatus(record);
        vm.assertFalse(acceptable);
        vm.assertEq(status, TcbStatus.UP_TO_DATE);

        vm.revertToState(id);
        vm.warp(genuine.time + 8 days);
        (acceptable,,) = _judge.liveStatus(record);
        vm.assertTrue(acceptable);
        vm.warp(genuine.time + 29 days);
        _requireRefused(record, TcbStatus.UNRECOGNISED, STALE);
    }

    /// Only what newer collateral would mend is stale; the rest has no end.
    function test_revoked_is_not_stale() public {
        bytes25 record = _appraise(_evidence(_quote, 1, 0)).record;
        uint256 id = vm.snapshotState();
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        _requireRefused(record, TcbStatus.REVOKED, NEVER_STALE);

        vm.revertToState(id);
        id = vm.snapshotState();
        verifier.upsertRevocationList(_stored("ca-revoked").rootCrl);
        _requireRefused(record, TcbStatus.REVOKED, NEVER_STALE);

        vm.revertToState(id);
        id = vm.snapshotState();
        _restate("UpToDate", "Revoked");
        _requireRefused(record, TcbStatus.REVOKED, NEVER_STALE);

        // What the signer signed is to be signed again by its successor.
        vm.revertToState(id);
        id = vm.snapshotState();
        verifier.upsertRevocationList(_stored("signer-revoked").rootCrl);
        _requireRefused(record, TcbStatus.UNRECOGNISED, STALE);

        // No longer listed is said before anything of its collateral.
        vm.revertToState(id);
        _judge.remove(_key);
        vm.warp(genuine.time + 29 days);
        _requireRefused(record, TcbStatus.UNRECOGNISED, NEVER_STALE);
    }

    /// Whoever owns the list can list anything: what is not genuine stays out.
    function test_no_power_makes_an_invalid_quote_pass() public {
        bytes memory debug = _resign(_with(_quote, BODY + 120, 1));
        bytes[4] memory invalid = [
            _with(_quote, BODY + 140, uint8(_quote[BODY + 140]) ^ 1),
            _with(_quote, 636, uint8(_quote[636]) ^ 1),
            _with(_quote, 770 + 128, uint8(_quote[770 + 128]) ^ 1),
            debug
        ];
        for (uint256 i = 0; i < invalid.length; ++i) {
            IMeasurementPolicy.Measurement memory m = _measurement(IMeasurementPolicy.WorkloadPin.NONE, 0);
            m.imageId = _imageId(invalid[i]);
            IMeasurementPolicy.Rule memory rule = _rule();
            rule.tcbStatuses = _judge.ALLOWED_STATUSES();
            rule.tdAttributes = _judge.ALLOWED_ATTRIBUTES();
            vm.warp(genuine.time - 3 days);
            if (_judge.ruleOf(_judge.keyOf(m)).index == 0) _list(_judge, m, rule);
            vm.warp(genuine.time);
            vm.expectPartialRevert(ITdxVerifier.QuoteRefused.selector);
            _appraise(_evidence(invalid[i], 0, 0));
        }
        // A key that the root did not certify is none, whoever names it.
        vm.expectPartialRevert(ITdxVerifier.QuoteRefused.selector);
        _judge.appraise(
            BINDING,
            BLOCK,
            BLOCK_HASH,
            _namesDevices,
            abi.encodePacked(uint8(1), uint8(1), bytes32(0), bytes32(uint256(1)), bytes32(uint256(2)), _quote)
        );
    }

    function testFuzz_live_status_never_reverts(bytes25 record) public view {
        (bool acceptable,,) = _judge.liveStatus(record);
        vm.assertFalse(acceptable);
    }

    function _tier(TdxAttestationVerifier judge, bytes memory evidence) private view returns (uint256) {
        return uint256(judge.appraise(BINDING, BLOCK, BLOCK_HASH, _namesDevices, evidence).tier);
    }

    function _requireRefused(bytes25 record, uint8 wanted, uint40 end) private view {
        (bool acceptable, uint8 status, uint40 until) = _judge.liveStatus(record);
        vm.assertFalse(acceptable);
        vm.assertEq(status, wanted);
        vm.assertEq(until, end);
    }

    /// The level that the platform reaches under another status, issued a second later.
    function _restate(string memory from, string memory to) private {
        string memory level = '{"svn":0}]},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"';
        bytes memory document =
            _replace(genuine.tcbInfo, string.concat(level, from, '"'), string.concat(level, to, '"'));
        document = _replace(document, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertTcbInfo(document, _signDocument(document));
    }

    function _listImageOf(bytes memory quote, IMeasurementPolicy.Rule memory rule) private {
        IMeasurementPolicy.Measurement memory m =
            _measurement(IMeasurementPolicy.WorkloadPin.COMPOSE_HASH, COMPOSE);
        m.imageId = _imageId(quote);
        vm.warp(genuine.time - 3 days);
        _list(_judge, m, rule);
        vm.warp(genuine.time);
    }
}
