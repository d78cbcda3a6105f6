import {
  CHANNEL_MODES,
  identityRegistryAbi,
  computeStakingAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  signedTypes,
  type Deployment,
} from '@jeju/contracts'
import {
  attestationDigest,
  authDigest,
  bindingIdOf,
  receiptDigest,
  voucherDigest,
  type Hex,
} from '@jeju/verifier/protocol'
import fc from 'fast-check'
import { hashTypedData, parseEther } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { attestations, auths, receipts, statements, vouchers } from './arbitraries.ts'
import { becomeProvider, channelOpening, mined, walletFor, type Wallet } from './provider.ts'

// A wallet signs what `signedTypes` gives it; the node, the verifier and the contracts read the same 32 bytes.
const ADDRESS: Hex = `0x${'5e'.repeat(20)}`
const deployment: Deployment = {
  chainId: 31_337,
  deployedAtBlock: 0,
  identityRegistry: ADDRESS,
  reputationRegistry: ADDRESS,
  computeStaking: ADDRESS,
  computeRegistry: ADDRESS,
  ledgerManager: ADDRESS,
  inferenceServing: ADDRESS,
  receiptRoots: ADDRESS,
}
const PRICE = { inPerMTok: 1n, outPerMTok: 1n }
const domain = { chainId: 31_337n, verifyingContract: ADDRESS }

describe('the digests of @jeju/verifier are those of viem', () => {
  const registry = signedTypes('computeRegistry', deployment)
  const serving = signedTypes('inferenceServing', deployment)

  test('NodeStatement', () => {
    fc.assert(
      fc.property(statements, (message) => {
        const hash = hashTypedData({ ...registry, primaryType: 'NodeStatement', message })
        expect(bindingIdOf(message, domain)).toBe(hash)
      }),
    )
  })

  test('Attestation', () => {
    fc.assert(
      fc.property(attestations, (message) => {
        const hash = hashTypedData({ ...registry, primaryType: 'Attestation', message })
        expect(attestationDigest(message, domain)).toBe(hash)
      }),
    )
  })

  test('RequestAuth', () => {
    fc.assert(
      fc.property(auths, (message) => {
        const hash = hashTypedData({ ...serving, primaryType: 'RequestAuth', message })
        expect(authDigest(message, domain)).toBe(hash)
      }),
    )
  })

  test('Receipt', () => {
    fc.assert(
      fc.property(receipts, (message) => {
        const hash = hashTypedData({ ...serving, primaryType: 'Receipt', message })
        expect(receiptDigest(message, domain)).toBe(hash)
      }),
    )
  })
})

describe('the contracts take what viem signs', () => {
  let chain: LocalChain
  let wallet: Wallet
  const user = privateKeyToAccount(generatePrivateKey())

  beforeAll(async () => {
    chain = await startChain()
    wallet = walletFor(chain, 1)
    await becomeProvider(chain, wallet)
  })
  afterAll(() => chain.process.stop())

  const deadline = async (): Promise<bigint> => (await wallet.getBlock()).timestamp + 240n

  test('Open and TopUp of a channel', async () => {
    const ledger = { address: chain.deployment.ledgerManager, abi: ledgerManagerAbi } as const
    const { domain: ledgerDomain, types } = signedTypes('ledgerManager', chain.deployment)
    await mined(
      wallet,
      wallet.writeContract({
        ...ledger,
        functionName: 'depositFor',
        args: [user.address],
        value: 100n,
      }),
    )
    const opening = {
      ...(await channelOpening(chain, wallet, PRICE)),
      user: user.address,
      amount: 60n,
    }
    const until = await deadline()
    const signature = await user.signTypedData({
      domain: ledgerDomain,
      types,
      primaryType: 'Open',
      message: { ...opening, deadline: until },
    })
    await mined(
      wallet,
      wallet.writeContract({
        ...ledger,
        functionName: 'openChannelWithSig',
        args: [opening, until, signature],
      }),
    )
    const channelId = await wallet.readContract({
      ...ledger,
      functionName: 'channelIdOf',
      args: [opening],
    })
    const more = { channelId, amount: 40n, salt: 7n, deadline: until }
    const topUp = await user.signTypedData({
      domain: ledgerDomain,
      types,
      primaryType: 'TopUp',
      message: more,
    })
    await mined(
      wallet,
      wallet.writeContract({
        ...ledger,
        functionName: 'topUpWithSig',
        args: [channelId, more.amount, more.salt, until, topUp],
      }),
    )
    const channel = await wallet.readContract({
      ...ledger,
      functionName: 'channelOf',
      args: [channelId],
    })
    expect([channel.locked, CHANNEL_MODES[channel.mode]]).toEqual([100n, 'RECEIPT'])
  })

  test('AgentWalletSet of ERC-8004', async () => {
    const { domain: agents, types } = signedTypes('identityRegistry', chain.deployment)
    const identity = {
      address: chain.deployment.identityRegistry,
      abi: identityRegistryAbi,
    } as const
    const message = {
      agentId: 0n,
      newWallet: user.address,
      owner: wallet.account.address,
      deadline: await deadline(),
    }
    const signature = await user.signTypedData({
      domain: agents,
      types,
      primaryType: 'AgentWalletSet',
      message,
    })
    await mined(
      wallet,
      wallet.writeContract({
        ...identity,
        functionName: 'setAgentWallet',
        args: [0n, user.address, message.deadline, signature],
      }),
    )
    const set = await wallet.readContract({
      ...identity,
      functionName: 'getAgentWallet',
      args: [0n],
    })
    expect(set).toBe(user.address)
  })

  test('Voucher and KeyLeak have the digests of viem', async () => {
    const { inferenceServing, computeStaking } = chain.deployment
    const chainId = BigInt(chain.deployment.chainId)
    await fc.assert(
      fc.asyncProperty(vouchers, async (voucher) => {
        const onChain = await wallet.readContract({
          address: inferenceServing,
          abi: inferenceServingAbi,
          functionName: 'voucherDigest',
          args: [voucher],
        })
        const types = signedTypes('inferenceServing', chain.deployment)
        expect(hashTypedData({ ...types, primaryType: 'Voucher', message: voucher })).toBe(onChain)
        expect(voucherDigest(voucher, { chainId, verifyingContract: inferenceServing })).toBe(
          onChain,
        )
        const leak = { bindingId: voucher.channelId, reporter: user.address }
        const leakOnChain = await wallet.readContract({
          address: computeStaking,
          abi: computeStakingAbi,
          functionName: 'leakDigest',
          args: [leak.bindingId, leak.reporter],
        })
        const leakTypes = signedTypes('computeStaking', chain.deployment)
        expect(hashTypedData({ ...leakTypes, primaryType: 'KeyLeak', message: leak })).toBe(
          leakOnChain,
        )
      }),
      { numRuns: 25 },
    )
  })

  test('no signature of another chain or contract is taken', async () => {
    const ledger = { address: chain.deployment.ledgerManager, abi: ledgerManagerAbi } as const
    const opening = {
      ...(await channelOpening(chain, wallet, PRICE)),
      user: user.address,
      amount: 1n,
      salt: 9n,
    }
    await mined(
      wallet,
      wallet.writeContract({
        ...ledger,
        functionName: 'depositFor',
        args: [user.address],
        value: parseEther('1'),
      }),
    )
    const until = await deadline()
    for (const elsewhere of [
      { ...chain.deployment, chainId: 8453 },
      { ...chain.deployment, ledgerManager: chain.deployment.inferenceServing },
    ]) {
      const { domain: foreign, types } = signedTypes('ledgerManager', elsewhere)
      const signature = await user.signTypedData({
        domain: foreign,
        types,
        primaryType: 'Open',
        message: { ...opening, deadline: until },
      })
      await expect(
        wallet.simulateContract({
          ...ledger,
          functionName: 'openChannelWithSig',
          args: [opening, until, signature],
        }),
      ).rejects.toThrow('InvalidSignature')
    }
  })
})
