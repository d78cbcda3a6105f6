// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";

/// A key that is approved for a new endpoint, and revoked before anybody grants it there.
contract RevokedBeforeGrantedTest is BindSignerFixture {
    /// Revoking takes back the approval of the version it was granted in; the later one must not bring the key back.
    function test_revoked_stays_revoked_under_a_new_endpoint() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.startPrank(provider);
        registry.updateEndpoint(agentId, "https://other.example");
        registry.approveBinding(a.statement);
        registry.revokeBinding(id);
        vm.stopPrank();

        vm.roll(block.number + 1);
        a.blockNumber += 1;
        _send(a, abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertTrue(!valid && b.revoked);
    }
}
