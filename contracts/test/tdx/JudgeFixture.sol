// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxAttestationVerifier} from "../../src/TdxAttestationVerifier.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IMeasurementPolicy} from "../../src/interfaces/IMeasurementPolicy.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title A judge with one listed image, and a quote of it that registers
abstract contract JudgeFixture is TdxFixture {
    bytes32 internal constant BINDING = keccak256("binding");
    bytes32 internal constant BLOCK_HASH = keccak256("block");
    uint64 internal constant BLOCK = 1234;
    bytes32 internal constant COMPOSE = keccak256("compose");
    uint64 internal constant SEPT_VE_DISABLE = 1 << 28;

    TdxAttestationVerifier internal _judge;
    NodeStatement internal _statement;
    bool internal _namesDevices;
    bytes internal _quote;
    bytes32 internal _key;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(genuine.time - 1 hours);
        _judge = _newJudge();
        _quote = _register(genuine.quote, 0);
        vm.warp(genuine.time - 3 days);
        _key = _list(_judge, _measurement(IMeasurementPolicy.WorkloadPin.COMPOSE_HASH, COMPOSE), _rule());
        vm.warp(genuine.time);
    }

    function _appraise(bytes memory evidence) internal view returns (IAttestationVerifier.Appraisal memory) {
        return _judge.appraise(BINDING, BLOCK, BLOCK_HASH, _namesDevices, evidence);
    }

    function _evidence(bytes memory quote, uint8 pin, bytes32 gpuDigest)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(1), pin, gpuDigest, genuine.x, genuine.y, quote);
    }

    /// A quote of version 4 for this registration, with the compose hash in MRCONFIGID.
    function _register(bytes memory quote, bytes32 gpuDigest) internal view returns (bytes memory) {
        bytes32 fresh = _freshness(BLOCK, BLOCK_HASH, gpuDigest, "jeju/registration/v1");
        quote = _put(_put(quote, BODY + 520, BINDING), BODY + 552, fresh);
        return _resign(_put(_with(quote, BODY + 184, 1), BODY + 185, COMPOSE));
    }

    function _freshness(uint64 number, bytes32 hash, bytes32 gpuDigest, string memory tag)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(keccak256(bytes(tag)), number, hash, gpuDigest));
    }

    function _newJudge() internal returns (TdxAttestationVerifier) {
        return new TdxAttestationVerifier(verifier, address(this), address(0xB0B), 48 hours);
    }

    function _list(
        TdxAttestationVerifier judge,
        IMeasurementPolicy.Measurement memory m,
        IMeasurementPolicy.Rule memory rule
    ) internal returns (bytes32 key) {
        IMeasurementPolicy.Origin memory origin;
        origin.commit = keccak256("commit");
        origin.sources = new string[](1);
        key = judge.propose(m, rule, origin);
        vm.warp(block.timestamp + 48 hours);
        judge.accept(key);
    }

    function _measurement(IMeasurementPolicy.WorkloadPin pin, bytes32 workload)
        internal
        view
        returns (IMeasurementPolicy.Measurement memory)
    {
        return IMeasurementPolicy.Measurement({
            imageId: _imageId(genuine.quote), pin: pin, workload: workload, mrServiceTd: 0
        });
    }

    function _imageId(bytes memory quote) internal pure returns (bytes32) {
        return keccak256(bytes.concat(_slice(quote, BODY + 120, 64), _slice(quote, BODY + 232, 240)));
    }

    function _rule() internal pure returns (IMeasurementPolicy.Rule memory) {
        return IMeasurementPolicy.Rule({
            index: 0,
            tier: IBindings.Tier.TDX,
            tcbStatuses: 0x03,
            tdAttributes: SEPT_VE_DISABLE,
            maxValidity: 7 days
        });
    }
}
