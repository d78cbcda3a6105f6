// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deploy} from "../../script/Deploy.s.sol";
import {TdxContracts, TdxSet} from "../../script/TdxSet.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IMeasurementPolicy} from "../../src/interfaces/IMeasurementPolicy.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {IdentityRegistry} from "../../src/erc8004/IdentityRegistry.sol";
import {NodeStatementLib} from "../../src/libraries/NodeStatementLib.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title A whole registration: registry, adapter, allow-list and verifier as they are deployed
abstract contract RegistrationFixture is TdxFixture {
    uint256 internal constant SIGNER_KEY = uint256(keccak256("signer"));
    bytes32 internal constant COMPOSE = keccak256("compose");
    address internal constant OWNER = address(0x0123);
    address internal constant PROVIDER = address(0x0b0b);

    Deploy.Contracts internal _market;
    TdxContracts internal _tdx;
    NodeStatement internal _statement;
    bytes32 internal _bindingId;

    function setUp() public virtual override {
        super.setUp();
        vm.warp(genuine.time - 3 days);
        vm.roll(1000);
        _tdx = TdxSet.deploy(genuine.rootHash, OWNER, address(0));
        Deploy script = new Deploy();
        _market = script.deploy(address(script), OWNER, _tdx.attestationVerifier);
        script.requireWiring(_market, OWNER);
        TdxSet.requireWiring(_tdx, _market.computeRegistry, genuine.rootHash, OWNER);
        _list();
        vm.warp(genuine.time);
        _bring(_tdx.tdxVerifier, genuine);
        _register();
    }

    function _evidence() internal view returns (uint64 number, bytes32 blockHash, bytes memory evidence) {
        number = uint64(block.number - 1);
        blockHash = blockhash(number);
        bytes32 fresh =
            keccak256(abi.encode(keccak256("jeju/registration/v1"), number, blockHash, bytes32(0)));
        bytes memory quote = _resign(_put(_put(_composed(), BODY + 520, _bindingId), BODY + 552, fresh));
        evidence = abi.encodePacked(uint8(1), uint8(1), bytes32(0), genuine.x, genuine.y, quote);
    }

    function _attest() internal {
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        uint256 deadline = block.timestamp;
        bytes32 structHash = NodeStatementLib.hashVerifiedAttestation(
            _bindingId, 0, keccak256(bytes.concat(blockHash, evidence)), number, deadline
        );
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", _market.computeRegistry.domainSeparator(), structHash));
        bytes memory signature = _signature(SIGNER_KEY, digest);
        _market.computeRegistry.attest(_statement, 0, evidence, number, deadline, signature);
    }

    /// Under the attestation key that was cached.
    function _renew() internal {
        (uint64 number,, bytes memory evidence) = _evidence();
        _market.computeRegistry.renew(_statement.agentId, _bindingId, number, _shortened(evidence));
    }

    /// Evidence of format 1 in format 2: the quote ends with its attestation key.
    function _shortened(bytes memory evidence) internal view returns (bytes memory) {
        bytes memory report = _slice(evidence, 98, 764);
        bytes32 keyHash = keccak256(abi.encode(genuine.x, genuine.y));
        return bytes.concat(hex"02", _slice(evidence, 1, 33), keyHash, report);
    }

    function _cacheAttestationKey() internal {
        _tdx.tdxVerifier.cacheAttestationKey(genuine.quote, genuine.x, genuine.y);
    }

    function _register() private {
        vm.deal(PROVIDER, 1 ether);
        vm.startPrank(PROVIDER);
        uint256 agentId = IdentityRegistry(address(_market.identityRegistry)).register();
        _market.computeStaking.stakeAsProvider{value: 0.1 ether}(agentId);
        _market.computeRegistry.register(agentId, "https://node.test");
        _statement.agentId = agentId;
        _statement.operator = PROVIDER;
        _statement.signer = vm.addr(SIGNER_KEY);
        _statement.keysetDigest = keccak256("keyset");
        _statement.modelCatalogDigest = keccak256("catalog");
        _statement.postureDigest = keccak256("posture");
        _statement.instanceId = keccak256("instance");
        _bindingId = _market.computeRegistry.approveBinding(_statement);
        vm.stopPrank();
    }

    function _list() private {
        IMeasurementPolicy.Rule memory rule;
        rule.tier = IBindings.Tier.TDX;
        rule.tcbStatuses = 0x03;
        rule.tdAttributes = 1 << 28;
        IMeasurementPolicy.Origin memory origin;
        origin.commit = keccak256("commit");
        origin.sources = new string[](1);
        vm.prank(OWNER);
        bytes32 key = _tdx.attestationVerifier.propose(_measurement(), rule, origin);
        vm.warp(block.timestamp + 48 hours);
        _tdx.attestationVerifier.accept(key);
    }

    function _measurement() internal view returns (IMeasurementPolicy.Measurement memory) {
        bytes memory quote = genuine.quote;
        return IMeasurementPolicy.Measurement({
            imageId: keccak256(bytes.concat(_slice(quote, BODY + 120, 64), _slice(quote, BODY + 232, 240))),
            pin: IMeasurementPolicy.WorkloadPin.COMPOSE_HASH,
            workload: COMPOSE,
            mrServiceTd: 0
        });
    }

    function _composed() private view returns (bytes memory) {
        return _put(_with(genuine.quote, BODY + 184, 1), BODY + 185, COMPOSE);
    }
}
