// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deploy} from "../script/Deploy.s.sol";
import {ComputeRegistry} from "../src/ComputeRegistry.sol";
import {ComputeStaking} from "../src/ComputeStaking.sol";
import {InferenceServing} from "../src/InferenceServing.sol";
import {LedgerManager} from "../src/LedgerManager.sol";
import {ReceiptRoots} from "../src/ReceiptRoots.sol";
import {IdentityRegistry} from "../src/erc8004/IdentityRegistry.sol";
import {ReputationRegistry} from "../src/erc8004/ReputationRegistry.sol";
import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {IServices} from "../src/interfaces/registry/IServices.sol";
import {IComputeStaking} from "../src/interfaces/IComputeStaking.sol";
import {IInferenceServing} from "../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../src/interfaces/ILedgerManager.sol";
import {NodeStatement} from "../src/interfaces/NodeStatement.sol";
import {NodeStatementLib} from "../src/libraries/NodeStatementLib.sol";
import {Test} from "./Test.sol";

/// @title The system as the deploy script makes it, with one provider that serves and one user who pays
abstract contract Fixture is Test {
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant BOND = 0.1 ether;
    uint128 internal constant DEPOSIT = 1 ether;
    /// 2 and 6 gwei a token.
    uint128 internal constant IN_PRICE = 2e15;
    uint128 internal constant OUT_PRICE = 6e15;
    uint32 internal constant MAX_OUTPUT = 4096;
    bytes32 internal constant MODEL_ID = keccak256("model");
    bytes32 internal constant EVIDENCE = keccak256("evidence");
    IAttestationVerifier internal constant NO_VERIFIER = IAttestationVerifier(address(0));

    uint256 internal constant USER_KEY = uint256(keccak256("user"));
    uint256 internal constant SESSION_KEY = uint256(keccak256("session"));
    uint256 internal constant SIGNER_KEY = uint256(keccak256("signer"));

    address internal immutable user = vm.addr(USER_KEY);
    address internal immutable session = vm.addr(SESSION_KEY);
    address internal immutable signer = vm.addr(SIGNER_KEY);
    address internal constant provider = address(uint160(uint256(keccak256("provider"))));
    address internal constant relayer = address(uint160(uint256(keccak256("relayer"))));
    /// Owns what can be owned.
    address internal constant governor = address(uint160(uint256(keccak256("governor"))));
    address internal constant attacker = address(uint160(uint256(keccak256("attacker"))));

    Deploy internal script;
    IdentityRegistry internal identity;
    ReputationRegistry internal reputation;
    ComputeStaking internal staking;
    ComputeRegistry internal registry;
    LedgerManager internal ledger;
    InferenceServing internal serving;
    ReceiptRoots internal roots;

    uint256 internal agentId;
    uint32 internal serviceId;
    bytes32 internal bindingId;
    bytes32 internal channelId;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        script = new Deploy();
        Deploy.Contracts memory c = script.deploy(address(script), governor, NO_VERIFIER);
        script.requireWiring(c, governor);
        identity = IdentityRegistry(address(c.identityRegistry));
        reputation = ReputationRegistry(address(c.reputationRegistry));
        (staking, registry, ledger, serving) =
        (c.computeStaking, c.computeRegistry, c.ledgerManager, c.inferenceServing);
        roots = c.receiptRoots;

        vm.deal(provider, 10 ether);
        vm.deal(user, 10 ether);
        vm.deal(attacker, 10 ether);
        agentId = _provider(provider);
        serviceId = _service(provider, agentId, _price(IN_PRICE, OUT_PRICE));
        bindingId = _bind(_statement(agentId, provider, signer, "instance"), SIGNER_KEY);
        channelId = _channel(0);
    }

    /* PROVIDER */

    function _provider(address owner) internal returns (uint256 id) {
        vm.startPrank(owner);
        id = identity.register("");
        staking.stakeAsProvider{value: BOND}(id);
        registry.register(id, "https://node.example");
        vm.stopPrank();
    }

    function _service(address owner, uint256 id, IServices.Price memory price) internal returns (uint32) {
        vm.prank(owner);
        return registry.addService(id, MODEL_ID, "tiny", price);
    }

    function _price(uint128 inPerMTok, uint128 outPerMTok) internal pure returns (IServices.Price memory) {
        return IServices.Price({
            inPerMTok: inPerMTok, outPerMTok: outPerMTok, maxOutputTokens: MAX_OUTPUT, effectiveFrom: 0
        });
    }

    function _statement(uint256 id, address operator, address nodeSigner, bytes32 instance)
        internal
        pure
        returns (NodeStatement memory)
    {
        return NodeStatement({
            agentId: id,
            operator: operator,
            signer: nodeSigner,
            keysetDigest: keccak256("keyset"),
            modelCatalogDigest: keccak256("catalog"),
            postureDigest: keccak256("posture"),
            gpuDevicesDigest: 0,
            instanceId: instance
        });
    }

    /// Approves by the operator, then attests by anyone.
    function _bind(NodeStatement memory statement, uint256 signerKey) internal returns (bytes32 id) {
        id = _approve(statement);
        _attest(statement, signerKey);
    }

    /// By the operator.
    function _approve(NodeStatement memory statement) internal returns (bytes32 id) {
        vm.prank(statement.operator);
        id = registry.approveBinding(statement);
    }

    function _attest(NodeStatement memory statement, uint256 signerKey) internal {
        vm.roll(block.number + 1);
        uint64 blockNumber = uint64(block.number - 1);
        uint64 validUntil = uint64(block.timestamp + 1 days);
        bytes memory sig = _attestationSig(
            registry.bindingIdOf(statement), EVIDENCE, blockNumber, validUntil, block.timestamp, signerKey
        );
        vm.prank(relayer);
        registry.bindSigner(statement, EVIDENCE, blockNumber, validUntil, block.timestamp, sig);
    }

    function _attestationSig(
        bytes32 id,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline,
        uint256 signerKey
    ) internal view returns (bytes memory) {
        bytes32 structHash = NodeStatementLib.hashAttestation(
            id, evidenceHash, blockNumber, validUntil, deadline
        );
        return _signature(signerKey, _typed(registry.domainSeparator(), structHash));
    }

    /// EIP-712 consent of a new agent wallet, as the identity registry wants it.
    function _walletConsent(uint256 id, address wallet, address owner, uint256 deadline, uint256 walletKey)
        internal
        view
        returns (bytes memory)
    {
        (, string memory name, string memory version, uint256 chainId, address verifyingContract,,) =
            identity.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                verifyingContract
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)"),
                id,
                wallet,
                owner,
                deadline
            )
        );
        return _signature(walletKey, _typed(domain, structHash));
    }

    /* USER */

    function _open(uint256 salt) internal view returns (ILedgerManager.Open memory) {
        return ILedgerManager.Open({
            user: user,
            agentId: agentId,
            serviceId: serviceId,
            priceVersion: 1,
            mode: ILedgerManager.Mode.RECEIPT,
            amount: DEPOSIT,
            sessionKey: session,
            salt: salt
        });
    }

    function _channel(uint256 salt) internal returns (bytes32) {
        ILedgerManager.Open memory o = _open(salt);
        vm.prank(user);
        return ledger.openChannel{value: o.amount}(o);
    }

    function _voucherChannel(uint256 salt) internal returns (bytes32) {
        ILedgerManager.Open memory o = _open(salt);
        o.mode = ILedgerManager.Mode.VOUCHER;
        vm.prank(user);
        return ledger.openChannel{value: o.amount}(o);
    }

    /* SETTLEMENT */

    function _voucherSig(bytes32 channel, uint128 cumulative, uint256 key)
        internal
        view
        returns (IInferenceServing.Signature memory)
    {
        return _compact(key, serving.voucherDigest(IInferenceServing.Voucher(channel, cumulative)));
    }

    function _settleVoucher(bytes32 channel, uint128 cumulative) internal returns (uint256) {
        IInferenceServing.Signature memory sig = _voucherSig(channel, cumulative, SESSION_KEY);
        return serving.settleVoucher(IInferenceServing.Voucher(channel, cumulative), sig);
    }

    function _auth(bytes32 channel, bytes32 binding, uint256 nonce)
        internal
        view
        returns (IInferenceServing.RequestAuth memory)
    {
        return IInferenceServing.RequestAuth({
            channelId: channel,
            nonce: nonce,
            bindingId: binding,
            requestHash: keccak256(abi.encode("request", nonce)),
            maxFee: 0.5 ether,
            validUntil: uint64(block.timestamp + 1 hours)
        });
    }

    function _receipt(bytes32 authHash, uint32 inputTokens, uint32 outputTokens)
        internal
        view
        returns (IInferenceServing.Receipt memory)
    {
        return IInferenceServing.Receipt({
            authHash: authHash,
            responseHash: keccak256("response"),
            inputTokens: inputTokens,
            outputTokens: outputTokens,
            finish: 0,
            issuedAt: uint64(block.timestamp)
        });
    }

    /// Signed by both, 100 tokens in and 50 out.
    function _item(uint256 nonce) internal view returns (IInferenceServing.Item memory) {
        return _signed(_auth(channelId, bindingId, nonce), 100, 50);
    }

    function _signed(IInferenceServing.RequestAuth memory auth, uint32 inputTokens, uint32 outputTokens)
        internal
        view
        returns (IInferenceServing.Item memory)
    {
        return _signedBy(
            auth, _receipt(serving.authDigest(auth), inputTokens, outputTokens), SESSION_KEY, SIGNER_KEY
        );
    }

    function _signedBy(
        IInferenceServing.RequestAuth memory auth,
        IInferenceServing.Receipt memory receipt,
        uint256 sessionKey,
        uint256 signerKey
    ) internal view returns (IInferenceServing.Item memory) {
        return IInferenceServing.Item({
            auth: auth,
            authSig: _compact(sessionKey, serving.authDigest(auth)),
            delivery: IInferenceServing.Delivery({
                responseHash: receipt.responseHash,
                inputTokens: receipt.inputTokens,
                outputTokens: receipt.outputTokens,
                finish: receipt.finish,
                issuedAt: receipt.issuedAt
            }),
            receiptSig: _compact(signerKey, serving.receiptDigest(receipt))
        });
    }

    /// What the signer of a sound item signed.
    function _receiptOf(IInferenceServing.Item memory item)
        internal
        view
        returns (IInferenceServing.Receipt memory)
    {
        return IInferenceServing.Receipt({
            authHash: serving.authDigest(item.auth),
            responseHash: item.delivery.responseHash,
            inputTokens: item.delivery.inputTokens,
            outputTokens: item.delivery.outputTokens,
            finish: item.delivery.finish,
            issuedAt: item.delivery.issuedAt
        });
    }

    function _settle(IInferenceServing.Item memory item)
        internal
        returns (IInferenceServing.Status status, uint256 fee)
    {
        vm.prank(relayer);
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) =
            serving.settle(_one(item), false);
        return (statuses[0], fees[0]);
    }

    /// Settles, expects this status, and that nothing moved unless it is PAID.
    function _expectStatus(IInferenceServing.Item memory item, IInferenceServing.Status wanted) internal {
        uint256 claimable = ledger.claimableOf(provider);
        uint256 spent = ledger.channelOf(item.auth.channelId).spent;
        (IInferenceServing.Status[] memory seen,) = serving.preview(_one(item), false);
        (IInferenceServing.Status status, uint256 fee) = _settle(item);
        vm.assertEq(uint256(status), uint256(wanted), "status");
        vm.assertEq(uint256(seen[0]), uint256(wanted), "preview");
        if (wanted != IInferenceServing.Status.PAID) vm.assertEq(fee, 0, "unpaid items have no fee");
        vm.assertEq(ledger.claimableOf(provider), claimable + fee, "claimable");
        vm.assertEq(ledger.channelOf(item.auth.channelId).spent, spent + fee, "spent");
    }

    function _one(IInferenceServing.Item memory item)
        internal
        pure
        returns (IInferenceServing.Item[] memory items)
    {
        items = new IInferenceServing.Item[](1);
        items[0] = item;
    }

    function _typed(bytes32 domainSeparator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash));
    }

    function _bondId(IComputeStaking.Role role, uint256 id, address staker) internal pure returns (bytes32) {
        return keccak256(abi.encode(role, id, staker));
    }
}
