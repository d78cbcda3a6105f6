// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ValidationRegistry} from "../../src/erc8004/ValidationRegistry.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {IValidationRegistry} from "../../src/interfaces/IValidationRegistry.sol";
import {Fixture} from "../Fixture.sol";

/// The local registry behaves as the specification's (ERC-8004, validation).
contract ValidationRegistryTest is Fixture {
    ValidationRegistry private validation;
    bytes32 private constant HASH = keccak256("request");

    function setUp() public override {
        super.setUp();
        validation = new ValidationRegistry(identity);
    }

    function _request(bytes32 hash) private {
        vm.prank(provider);
        validation.validationRequest(relayer, agentId, "uri", hash);
    }

    function _respond(bytes32 hash, uint8 response, string memory tag) private {
        vm.prank(relayer);
        validation.validationResponse(hash, response, "r", "h", tag);
    }

    function test_constructor() public {
        vm.assertEq(validation.getIdentityRegistry(), address(identity));
        vm.assertEq(validation.getVersion(), "2.0.0");
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ZeroAddress.selector));
        new ValidationRegistry(IIdentityRegistry(address(0)));
    }

    function test_requestAndResponse() public {
        vm.expectEmit(address(validation));
        emit IValidationRegistry.ValidationRequest(relayer, agentId, "uri", HASH);
        _request(HASH);
        (address validator, uint256 agent, uint8 response,,,) = validation.getValidationStatus(HASH);
        vm.assertEq(validator, relayer);
        vm.assertEq(agent, agentId);
        vm.assertEq(response, 0);

        vm.warp(START + 5);
        vm.expectEmit(address(validation));
        emit IValidationRegistry.ValidationResponse(relayer, agentId, HASH, 80, "r", "h", "t");
        _respond(HASH, 80, "t");
        _respond(HASH, 100, "u");
        bytes32 responseHash;
        string memory tag;
        uint256 lastUpdate;
        (,, response, responseHash, tag, lastUpdate) = validation.getValidationStatus(HASH);
        vm.assertEq(response, 100);
        vm.assertEq(responseHash, "h");
        vm.assertEq(tag, "u");
        vm.assertEq(lastUpdate, START + 5);
        vm.assertEq(validation.getAgentValidations(agentId)[0], HASH);
        vm.assertEq(validation.getValidatorRequests(relayer)[0], HASH);
    }

    function test_getSummary() public {
        (uint64 count, uint8 average) = validation.getSummary(agentId, new address[](0), "");
        vm.assertEq(count, 0);
        vm.assertEq(average, 0);
        _request("a");
        _request("b");
        _request("c");
        _respond("a", 50, "t");
        _respond("b", 101 - 20, "u");
        (count, average) = validation.getSummary(agentId, new address[](0), "");
        vm.assertEq(count, 2);
        vm.assertEq(average, 65);
        (count, average) = validation.getSummary(agentId, new address[](0), "t");
        vm.assertEq(count, 1);
        address[] memory validators = new address[](1);
        validators[0] = user;
        (count,) = validation.getSummary(agentId, validators, "");
        vm.assertEq(count, 0);
        validators[0] = relayer;
        (count,) = validation.getSummary(agentId, validators, "");
        vm.assertEq(count, 2);
    }

    function test_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ZeroAddress.selector));
        validation.validationRequest(address(0), agentId, "", HASH);
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.NotAuthorized.selector, agentId, attacker));
        vm.prank(attacker);
        validation.validationRequest(relayer, agentId, "", HASH);
        _request(HASH);
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.RequestExists.selector, HASH));
        _request(HASH);
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.UnknownRequest.selector, bytes32("x")));
        validation.getValidationStatus("x");
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ResponseOutOfRange.selector, 101, 100));
        _respond(HASH, 101, "");
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.NotValidator.selector, relayer, attacker));
        vm.prank(attacker);
        validation.validationResponse(HASH, 1, "", 0, "");
    }

    function test_request_byApprovedAndOperator() public {
        vm.startPrank(provider);
        identity.approve(user, agentId);
        identity.setApprovalForAll(session, true);
        vm.stopPrank();
        vm.prank(user);
        validation.validationRequest(relayer, agentId, "", "a");
        vm.prank(session);
        validation.validationRequest(relayer, agentId, "", "b");
    }
}
