// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deploy} from "../script/Deploy.s.sol";
import {Erc8004} from "../script/Erc8004.sol";
import {ComputeStaking} from "../src/ComputeStaking.sol";
import {ReputationRegistry} from "../src/erc8004/ReputationRegistry.sol";
import {IReputationRegistry} from "../src/interfaces/IReputationRegistry.sol";
import {Fixture} from "./Fixture.sol";

contract DeployTest is Fixture {
    /// R16: where the canonical registries should be, nothing else will do.
    function test_registry_is_canonical() public {
        address[2] memory identities =
            [0x8004A169FB4a3325136EB29fA0ceB6D2e539a432, 0x8004A818BFB912233c491871b3d84c89A494BD9e];
        address[2] memory reputations =
            [0x8004BAa17C55a88189AE136b182e5fdA19dE9b63, 0x8004B663056A597Dffe9eCcC1965A193B7388713];
        uint256[2] memory chains = [uint256(8453), 84_532];
        for (uint256 i = 0; i < 2; ++i) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(Deploy.RegistryMissing.selector, identities[i]));
            script.deploy(address(script), governor, NO_VERIFIER);
            vm.etch(identities[i], address(identity).code);
            vm.expectRevert(abi.encodeWithSelector(Deploy.RegistryMissing.selector, reputations[i]));
            script.deploy(address(script), governor, NO_VERIFIER);
            // A reputation registry that belongs to another identity registry is noticed.
            vm.etch(reputations[i], address(reputation).code);
            Deploy.Contracts memory c = script.deploy(address(script), governor, NO_VERIFIER);
            vm.assertEq(address(c.identityRegistry), identities[i]);
            vm.assertEq(address(c.reputationRegistry), reputations[i]);
            vm.expectRevert(_wrong("reputation.identity", identities[i], address(identity)));
            script.requireWiring(c, governor);
            vm.mockCall(
                reputations[i],
                abi.encodeCall(IReputationRegistry.getIdentityRegistry, ()),
                abi.encode(identities[i])
            );
            script.requireWiring(c, governor);
        }
    }

    function test_unknownChainIsRefused() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(Erc8004.UnsupportedChain.selector, 1));
        script.deploy(address(script), governor, NO_VERIFIER);
    }

    /// A wrong deployer address would compute a wrong peer; the check finds it.
    function test_wrongWiringIsNoticed() public {
        uint64 nonce = vm.getNonce(attacker);
        Deploy.Contracts memory c = script.deploy(attacker, governor, NO_VERIFIER);
        vm.assertEq(vm.getNonce(attacker), nonce);
        vm.expectRevert();
        script.requireWiring(c, governor);

        c = script.deploy(address(script), governor, NO_VERIFIER);
        script.requireWiring(c, governor);
        address staked = address(c.computeStaking);
        c.computeStaking = new ComputeStaking(c.computeRegistry, c.inferenceServing, attacker);
        vm.expectRevert(_wrong("registry.staking", address(c.computeStaking), staked));
        script.requireWiring(c, governor);
    }

    /// P24: no proxy, no initializer, no way to run other code, no end.
    function test_no_delegatecall_no_initializer() public view {
        address[5] memory contracts = _contracts();
        for (uint256 i = 0; i < contracts.length; ++i) {
            _requirePlainCode(contracts[i].code);
        }
    }

    /// What is longer cannot be deployed. Only optimised code is meant (foundry.toml, profile coverage).
    function test_code_fits_eip_170() public view {
        address[5] memory contracts = _contracts();
        for (uint256 i = 0; i < contracts.length; ++i) {
            vm.assertLe(contracts[i].code.length, 24_576, "EIP-170");
        }
    }

    /// The walk above finds what it looks for.
    function test_opcodeWalkFindsThem() public {
        bytes memory hidden = hex"60f4f45b0000000000a2"; // PUSH1 f4, then DELEGATECALL
        vm.expectRevert(bytes("DELEGATECALL, CALLCODE or SELFDESTRUCT"));
        this.requirePlainCode(bytes.concat(hidden, hex"0000"));
        this.requirePlainCode(hex"60f400");
    }

    function requirePlainCode(bytes memory code) external pure {
        _requirePlainCode(code);
    }

    function _contracts() private view returns (address[5] memory) {
        return [address(staking), address(registry), address(ledger), address(serving), address(roots)];
    }

    /// Skips what PUSH carries. Code of the default profile has no metadata behind it (foundry.toml).
    function _requirePlainCode(bytes memory code) private pure {
        for (uint256 i = 0; i < code.length; ++i) {
            uint8 op = uint8(code[i]);
            if (op >= 0x5f && op <= 0x7f) {
                i += op - 0x5f;
                continue;
            }
            require(op != 0xf4 && op != 0xf2 && op != 0xff, "DELEGATECALL, CALLCODE or SELFDESTRUCT");
        }
    }

    function _wrong(string memory peer, address expected, address actual)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(Deploy.WrongWiring.selector, peer, expected, actual);
    }
}
