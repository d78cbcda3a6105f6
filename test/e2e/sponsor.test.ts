import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { parseEther, publicActions, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedger } from '@jeju/sdk'
import { toHex } from '@jeju/verifier/protocol'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import {
  deployDollar,
  dollarAbi,
  DOLLAR_NAME,
  DOLLAR_VERSION,
  mintDollars,
} from '../../demo/network/dollar.ts'
import { serveFacilitator, type LocalFacilitator } from '../../demo/network/facilitator.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import { payX402 } from '../../demo/network/pay-x402.ts'
import { waitFor } from '../../demo/network/process.ts'
import { haveRedis, startRedis, type RedisServer } from '../servers/redis.ts'
import { admissions } from './setting/admission.ts'
import { questionOf } from './setting/openai-client.ts'
import { sponsorSettings } from './setting/sponsor-settings.ts'

// Two gateway processes with channels of their own and one Redis; clients have nothing but an API key.

const KEY = 'jk-the-key-of-a-team'
const SPONSOR = 6
const FACILITATOR = 7
const PAYER = 8
/** A question below costs some tenths of a Twei and may cost 2.7, so that this is enough for several, one by one. */
const BUDGET = 5_000_000_000_000n

describe.runIf(haveRedis)('gateways that pay nodes from channels of their own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jeju-sponsor-'))
  let network: Network
  let redis: RedisServer
  let dollar: Hex
  let facilitator: LocalFacilitator
  let gateways: readonly GatewayProcess[]

  beforeAll(async () => {
    network = await startNetwork()
    redis = await startRedis()
    const minter = network.wallet(FACILITATOR)
    dollar = await deployDollar(minter)
    await mintDollars(minter, dollar, network.wallet(PAYER).account.address, 1_000_000n)
    facilitator = await serveFacilitator(minter)
    await network.startProvider('node A', 1)
    const started: GatewayProcess[] = []
    for (const name of ['a', 'b']) started.push(await network.startGateway(settings(name)))
    gateways = started
    for (const gateway of started) await admissions(gateway, 1)
  }, 240_000)

  afterAll(async () => {
    await network.stop()
    await redis.process.stop()
    rmSync(folder, { recursive: true })
  }, 60_000)

  function settings(replica: string): Readonly<Record<string, string>> {
    const account = { apiKey: KEY, budgetPerDay: BUDGET }
    return {
      ...sponsorSettings(folder, network.chain.privateKey(SPONSOR), account),
      REDIS_URL: redis.url,
      REPLICA_SECRET: 'a secret of both replicas, and of nobody else',
      STORE: join(folder, `${replica}.db`),
      SPONSOR_FOLDER: join(folder, `channels-${replica}`),
      X402_FACILITATOR_URL: facilitator.url,
      X402_PUBLIC_URL: 'https://gateway.test',
      X402_PAY_TO: network.wallet(SPONSOR).account.address,
      X402_ASSET: dollar,
      X402_ASSET_NAME: DOLLAR_NAME,
      X402_ASSET_VERSION: DOLLAR_VERSION,
      X402_UNITS_PER_ETHER: '3000000000',
      X402_MAX_AMOUNT: '100000',
      X402_UNPAID_PER_DAY: parseEther('0.001').toString(),
    }
  }

  const clientOf = (index: number, apiKey = KEY): OpenAI => {
    const url = gateways[index]?.url ?? ''
    return new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 })
  }
  const question = (): OpenAI.ChatCompletionCreateParamsNonStreaming => questionOf(network)

  test('the OpenAI client with an API key and nothing else is answered, whole and streamed', async () => {
    const whole = await clientOf(0).chat.completions.create(question())
    expect(whole.choices[0]?.message.content).toMatch(/attestation|proof/i)
    const stream = await clientOf(1).chat.completions.create({ ...question(), stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toMatch(/attestation|proof/i)
  })

  test('provider and models of a body are for the gateway, as at OpenRouter', async () => {
    const { model, ...others } = question()
    const routed = { ...others, model: 'nobody-has-it', models: [model], provider: { only: ['0'] } }
    const answer = await clientOf(1).chat.completions.create(routed)
    expect(answer.model).toBe(model)
    const elsewhere = { ...question(), provider: { only: ['7'] } }
    await expect(clientOf(1).chat.completions.create(elsewhere)).rejects.toMatchObject({
      status: 412,
      code: 'no_provider_allowed',
    })
  })

  test('each replica has opened a channel on chain, and the node is paid from it', async () => {
    const wallet = network.wallet(SPONSOR)
    const ledger = createLedger({ wallet, deployment: network.chain.deployment })
    const ids = gateways.map(
      ({ process }) => /"channelId":"(0x[0-9a-f]{64})"/.exec(process.output())?.[1],
    )
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) {
      const channelId = `0x${(id ?? '').slice(2)}` as const
      const paid = async (): Promise<true | undefined> =>
        (await ledger.channelOf(channelId)).spent > 0n ? true : undefined
      await waitFor('a settlement', paid, { timeoutMs: 60_000 })
      const { locked, user } = await ledger.channelOf(channelId)
      expect([locked, user]).toEqual([parseEther('0.01'), wallet.account.address.toLowerCase()])
    }
  })

  test('N3 the budget of the account is one in both, and ends', async () => {
    let served = 0
    let refusal: unknown
    for (let at = 0; at < 100 && refusal === undefined; at++) {
      const asking = clientOf(at % 2).chat.completions.create(question())
      await asking.then(
        () => served++,
        (error: unknown) => (refusal = error),
      )
    }
    expect(refusal).toMatchObject({ status: 402, code: 'budget_exhausted' })
    expect(served).toBeGreaterThan(0)
  })

  test('nothing of the key is in what a gateway prints', () => {
    const printed = gateways.map(({ process }) => process.output()).join('')
    expect(printed).not.toContain(KEY)
    expect(printed).not.toContain(toHex(network.chain.privateKey(SPONSOR)).slice(2))
  })

  describe('x402, with a facilitator that settles on the chain', () => {
    const post = (index: number, payment?: string): Promise<Response> =>
      fetch(`${gateways[index]?.url ?? ''}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(payment === undefined ? {} : { 'payment-signature': payment }),
        },
        body: JSON.stringify(question()),
      })
    const balance = (index: number): Promise<bigint> =>
      network
        .wallet(0)
        .extend(publicActions)
        .readContract({
          address: dollar,
          abi: dollarAbi,
          functionName: 'balanceOf',
          args: [network.wallet(index).account.address],
        })
    const signed = async (changes: Parameters<typeof payX402>[2] = {}): Promise<string> => {
      const required = (await post(0)).headers.get('payment-required') ?? ''
      return payX402(network.wallet(PAYER).account, required, changes)
    }
    let used = ''

    test('somebody with dollars and nothing else is answered, and the gateway is paid', async () => {
      used = await signed()
      const response = await post(0, used)
      expect([response.status, response.headers.get('compute-verdict')]).toEqual([200, 'verified'])
      const { choices } = (await response.json()) as OpenAI.ChatCompletion
      expect(choices[0]?.message.content).toMatch(/attestation|proof/i)
      const header = response.headers.get('payment-response') ?? ''
      expect(JSON.parse(Buffer.from(header, 'base64').toString())).toMatchObject({
        success: true,
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        network: `eip155:${network.chain.chainId}`,
      })
      const paid = await balance(SPONSOR)
      expect(paid).toBeGreaterThan(0n)
      expect(await balance(PAYER)).toBe(1_000_000n - paid)
    })

    test('N9 once, at whichever replica', async () => {
      const before = await balance(SPONSOR)
      for (const index of [0, 1]) expect((await post(index, used)).status).toBe(402)
      expect(await balance(SPONSOR)).toBe(before)
    })

    test('a signature for another amount, and money that is not there, are refused before a node is asked', async () => {
      const payment = JSON.parse(Buffer.from(await signed(), 'base64').toString())
      payment.payload.authorization.value = '100000'
      payment.accepted.amount = '100000'
      const forged = Buffer.from(JSON.stringify(payment)).toString('base64')
      const refused = await post(1, forged)
      expect(await refused.text()).toContain('payment_invalid')
      const required = (await post(0)).headers.get('payment-required') ?? ''
      const poor = await payX402(network.wallet(2).account, required)
      expect(await (await post(1, poor)).text()).toContain('insufficient_funds')
    })

    test('without the facilitator nobody is served for dollars', async () => {
      const payment = await signed()
      await facilitator.close()
      const refused = await post(0, payment)
      expect(refused.status).toBe(503)
      expect(await refused.text()).toContain('facilitator_unavailable')
    })
  })
})
