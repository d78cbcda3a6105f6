import { computeRegistryAbi, ledgerManagerAbi } from '@jeju/contracts'
import { createFetch, createLedger, SdkError } from '@jeju/sdk'
import { simulatedTrustAnchor } from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { createChainReader } from '../../sdk/src/chain/chain-reader.ts'
import { createChainClient } from '../../sdk/src/chain/viem-client.ts'
import { deployment } from './market/deployment.ts'
import { collateralOf, policyOf } from '../simulated-trust.ts'
import { GATEWAY_URL, Market, platform } from './market/market.ts'
import { ACCOUNT, answering, TestRpc } from './market/test-rpc.ts'

const CHANNEL: Hex = `0x${'77'.repeat(32)}`
const LOWER = ACCOUNT.toLowerCase()
const HUGE = 2n ** 200n + 1n

const ledgerOn = (rpc: TestRpc): ReturnType<typeof createLedger> =>
  createLedger({ wallet: rpc.wallet(), deployment })

describe('the contracts', () => {
  test('R16 registry_is_canonical: a deployment that reads a look-alike is refused before anything is sent', async () => {
    const lookAlike = `0x${'99'.repeat(20)}` as const
    const rpc = new TestRpc(answering({ availableOf: { returns: 1n } }))
    const getter = `${deployment.computeRegistry} identityRegistry`
    rpc.peers.set(getter, lookAlike)
    await expect(ledgerOn(rpc).availableOf()).rejects.toMatchObject({ code: 'CONFIG_CHAIN' })
    await expect(ledgerOn(rpc).deposit(1n)).rejects.toMatchObject({ code: 'CONFIG_CHAIN' })
    expect(rpc.sent).toEqual([])
  })
})

describe('the ledger', () => {
  test('opens a channel and deposits only what is missing, in one transaction', async () => {
    const rpc = new TestRpc(
      answering({ availableOf: { returns: 30n }, openChannel: { returns: CHANNEL } }),
    )
    const opening = {
      agentId: HUGE,
      serviceId: 2,
      priceVersion: 3,
      amount: 100n,
      sessionKey: '0x8888888888888888888888888888888888888888',
    } as const
    const { channelId } = await ledgerOn(rpc).openChannel(opening)
    expect(channelId).toBe(CHANNEL)
    expect(rpc.sent).toMatchObject([
      { functionName: 'openChannel', value: 70n, args: [{ ...opening, user: ACCOUNT }] },
    ])
    expect(rpc.sent[0]?.args[0]).toMatchObject({ salt: expect.any(BigInt) })
  })

  test('deposits, withdraws, tops up and refunds', async () => {
    const nothing = { returns: undefined }
    const rpc = new TestRpc(
      answering({
        deposit: nothing,
        withdraw: nothing,
        topUp: nothing,
        requestRefund: nothing,
        completeRefund: nothing,
        availableOf: { returns: HUGE },
      }),
    )
    const ledger = ledgerOn(rpc)
    await ledger.deposit(5n)
    await ledger.withdraw(HUGE)
    await ledger.topUp(CHANNEL, 9n)
    await ledger.requestRefund(CHANNEL)
    await ledger.completeRefund(CHANNEL)
    expect(await ledger.availableOf()).toBe(HUGE)
    expect(rpc.sent).toMatchObject([
      { functionName: 'deposit', value: 5n },
      { functionName: 'withdraw', args: [HUGE, ACCOUNT], value: 0n },
      { functionName: 'topUp', args: [CHANNEL, 9n], value: 0n },
      { functionName: 'requestRefund', args: [CHANNEL] },
      { functionName: 'completeRefund', args: [CHANNEL] },
    ])
  })

  test('reads a channel; a state it does not know is not open', async () => {
    const channel = {
      user: ACCOUNT,
      agentId: HUGE,
      payee: ACCOUNT,
      serviceId: 0,
      priceVersion: 1,
      mode: 1,
      state: 2,
      locked: 10n,
      spent: 4n,
      closeAt: 99n,
      refundDelay: 1,
      sessionKey: ACCOUNT,
    }
    const rpc = new TestRpc(answering({ channelOf: { returns: channel } }))
    expect(await ledgerOn(rpc).channelOf(CHANNEL)).toMatchObject({
      mode: 'VOUCHER',
      state: 'CLOSING',
      agentId: HUGE,
      sessionKey: LOWER,
    })
    const unknown = new TestRpc(answering({ channelOf: { returns: { ...channel, state: 9 } } }))
    expect((await ledgerOn(unknown).channelOf(CHANNEL)).state).toBe('NONE')
  })

  test('a revert is named, also one that comes from a contract behind, and nothing is sent', async () => {
    const rpc = new TestRpc(
      answering({
        availableOf: { returns: 0n },
        withdraw: {
          reverts: {
            abi: ledgerManagerAbi,
            errorName: 'InsufficientBalance',
            args: [5n, 2n],
          },
        },
        topUp: {
          reverts: { abi: computeRegistryAbi, errorName: 'UnknownProvider', args: [7n] },
        },
      }),
    )
    const ledger = ledgerOn(rpc)
    await expect(ledger.withdraw(5n)).rejects.toMatchObject({
      code: 'CHAIN_REVERT',
      message: 'withdraw: InsufficientBalance(5, 2)',
    })
    await expect(ledger.topUp(CHANNEL, 1n)).rejects.toMatchObject({
      code: 'CHAIN_REVERT',
      message: 'topUp: UnknownProvider(7)',
    })
    expect(rpc.sent).toHaveLength(0)
  })

  test('a transaction that fails in its block is no success', async () => {
    const rpc = new TestRpc(answering({ deposit: { returns: undefined } }))
    rpc.status = '0x0'
    await expect(ledgerOn(rpc).deposit(1n)).rejects.toMatchObject({ code: 'CHAIN_REVERT' })
  })

  test('transactions go out one after another, also behind one that fails', async () => {
    const rpc = new TestRpc(answering({ deposit: { returns: undefined } }))
    const ledger = ledgerOn(rpc)
    const results = await Promise.allSettled([
      ledger.deposit(1n),
      ledger.withdraw(1n),
      ledger.deposit(2n),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(rpc.sent.map(({ value }) => value)).toEqual([1n, 2n])
  })

  test('T6 a wallet or an RPC on another chain is refused', async () => {
    const rpc = new TestRpc(answering({ availableOf: { returns: 1n } }))
    const other = { ...deployment, chainId: 8453 }
    expect(() => createLedger({ wallet: rpc.wallet(), deployment: other })).toThrow(SdkError)
    rpc.chainId = 8453
    await expect(ledgerOn(rpc).availableOf()).rejects.toMatchObject({ code: 'CONFIG_CHAIN' })
    expect(rpc.reads).toHaveLength(0)
  })
})

describe('the chain reader', () => {
  test('reads provider, services, current price and binding as they are', async () => {
    const price = { inPerMTok: HUGE >> 80n, outPerMTok: 2n, maxOutputTokens: 9, effectiveFrom: 1n }
    const binding = {
      agentId: HUGE,
      operator: ACCOUNT,
      signer: ACCOUNT,
      tier: 3,
      tcbStatus: 1,
      validFrom: 1n,
      validUntil: 2n,
      revoked: false,
      endpointVersion: 1,
      blockNumber: 5n,
      verifierIndex: 0,
      head: CHANNEL.slice(0, 42),
      record: CHANNEL.slice(0, 52),
      devices: 1,
    }
    const rpc = new TestRpc((functionName, args) =>
      answering({
        isActive: { returns: true },
        providerOf: {
          returns: {
            owner: ACCOUNT,
            registeredAt: 1n,
            active: true,
            endpointVersion: 1,
            barred: false,
            endpoint: '',
          },
        },
        serviceCount: { returns: 2 },
        serviceOf: {
          returns: {
            modelId: CHANNEL,
            modelName: `model-${String(args[1])}`,
            latestPriceVersion: 4,
            active: true,
          },
        },
        currentPriceVersion: { returns: 3 },
        priceOf: { returns: price },
        bindingOf: { returns: [false, binding] },
      })(functionName),
    )
    const chain = createChainReader(createChainClient(rpc.wallet(), deployment), deployment)
    expect(await chain.provider(HUGE)).toEqual({ active: true, owner: LOWER })
    expect(await chain.services(HUGE)).toMatchObject([
      { serviceId: 0, modelName: 'model-0' },
      { serviceId: 1, modelName: 'model-1' },
    ])
    expect(await chain.currentPrice(HUGE, 1)).toMatchObject({ version: 3, maxOutputTokens: 9 })
    expect(rpc.reads.at(-1)).toMatchObject({ functionName: 'priceOf', args: [HUGE, 1, 3] })
    expect(await chain.binding(CHANNEL)).toEqual({
      valid: false,
      agentId: HUGE,
      signer: LOWER,
      tier: 'tdx_gpu',
      devices: 'held',
    })
  })
})

test('createFetch checks wallet and chain before anything else', () => {
  const rpc = new TestRpc(answering({}))
  const options = {
    gateway: GATEWAY_URL,
    wallet: rpc.wallet(),
    trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
    collateral: collateralOf(platform),
    policy: policyOf(new Market().nodes[0].td),
    channelAmount: 1n,
    maxFeePerRequest: 1n,
  }
  expect(createFetch({ ...options, deployment })).toBeTypeOf('function')
  expect(() => createFetch({ ...options, deployment: { ...deployment, chainId: 1 } })).toThrow(
    expect.objectContaining({ code: 'CONFIG_CHAIN' }),
  )
})
