import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { parseEther, parseEventLogs, publicActions } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { inferenceServingAbi } from '@jeju/contracts'
import {
  createClient,
  createLedger,
  createReleaseDesk,
  owedByNodes,
  type SdkEvent,
} from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { clientOf } from '../../demo/network/client.ts'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import { PRICE, type DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor, type RunningProcess } from '../../demo/network/process.ts'
import { connectSqlite } from '../../enclave/src/storage/sqlite.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { admissions } from './setting/admission.ts'
import { QUESTION, questionOf } from './setting/openai-client.ts'
import { serveDesk } from './setting/release-desk.ts'
import { sponsorSettings } from './setting/sponsor-settings.ts'

// A gateway process with a channel of vouchers, and a node that is killed between its answers and its settlement. Tests
// run in order.

const KEY = 'jk-the-key-of-a-team'
const SPONSOR = 6
const USER = 5
const PROMPTS = 24
const WAIT = { timeoutMs: 60_000 }

const folder = mkdtempSync(join(tmpdir(), 'jeju-vouchers-'))
const storeFile = join(folder, 'gateway.db')
let network: Network
let node: DevnetProvider
let second: RunningProcess
let gateway: GatewayProcess
let channelId: Hex
/** What the answers' own counts come to, wei. */
let fees = 0n
const day = new Date().toISOString().slice(0, 10)

beforeAll(async () => {
  // Nothing is settled by itself while this runs.
  network = await startNetwork({ SETTLE_INTERVAL_S: '300', WALLET_CONCURRENT_REQUESTS: '32' })
  node = await network.startProvider('node', 1)
  gateway = await network.startGateway(settings())
  await admissions(gateway, 1)
}, 240_000)

afterAll(async () => {
  await second?.stop()
  await network.stop()
  rmSync(folder, { recursive: true })
}, 60_000)

function settings(): Readonly<Record<string, string>> {
  const account = { apiKey: KEY, budgetPerDay: parseEther('0.01') }
  return {
    ...sponsorSettings(folder, network.chain.privateKey(SPONSOR), account),
    STORE: storeFile,
    SPONSOR_FOLDER: join(folder, 'channels'),
    SPONSOR_CHANNELS: 'vouchers',
  }
}

const question = (): OpenAI.ChatCompletionCreateParamsNonStreaming =>
  questionOf(network, QUESTION, 16)

function feeOfUsage(usage: OpenAI.CompletionUsage | null | undefined): bigint {
  const { prompt_tokens: input = 0, completion_tokens: output = 0 } = usage ?? {}
  const { inPerMTok, outPerMTok } = PRICE
  return (BigInt(input) * inPerMTok + BigInt(output) * outPerMTok + 999_999n) / 1_000_000n
}

/** What the node's disk has, whoever else has it open. */
async function onDisk(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const database = connectSqlite(join(node.machine.stateDir, 'node.db'))
  try {
    return await database.all(sql)
  } finally {
    database.close()
  }
}

const charged = (): ReturnType<typeof onDisk> =>
  onDisk(`SELECT fees, settled FROM voucher_channels WHERE channel_id = '${channelId}'`)

test('a client with a wallet pays by vouchers, and its provider releases the channel for exactly what was charged', async () => {
  const { agentId, calls, machine, name } = node
  const { deployment } = network.chain
  const nodes = [new URL(machine.url)]
  const desk = createReleaseDesk({
    wallet: network.wallet(1),
    deployment,
    owed: owedByNodes(nodes),
  })
  const server = await serveDesk(desk)
  onTestFinished(() => server.close())
  const services = [{ name: 'release', endpoint: server.url }]
  await calls.publish(agentId, { name, description: 'A node of the devnet', services })
  const events: SdkEvent[] = []
  const client = createClient({
    ...clientOf(network, gateway, USER),
    channels: 'vouchers',
    onEvent: (event) => events.push(event),
  })
  const openai = new OpenAI({
    apiKey: 'none',
    baseURL: `${gateway.url}/v1`,
    fetch: client.fetch,
    maxRetries: 0,
  })
  await Promise.all(Array.from({ length: 3 }, () => openai.chat.completions.create(question())))
  const paid = events.reduce(
    (sum, event) => sum + (event.type === 'receipt-verified' ? event.fee : 0n),
    0n,
  )
  const closed = await client.close()
  expect(closed).toMatchObject([{ outcome: 'released', returned: parseEther('0.01') - paid }])
  const ledger = createLedger({ wallet: network.wallet(USER), deployment })
  const [{ channelId: id } = { channelId: '0x' as Hex }] = closed
  const { spent, state, mode } = await ledger.channelOf(id)
  expect([spent, state, mode]).toEqual([paid, 'CLOSED', 'VOUCHER'])
}, 120_000)

test('24 prompts at once are answered, whole and streamed', async () => {
  const client = new OpenAI({ apiKey: KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  const whole = async (): Promise<bigint> => {
    const { choices, usage } = await client.chat.completions.create(question())
    expect(choices[0]?.message.content).not.toBe('')
    return feeOfUsage(usage)
  }
  const streamed = async (): Promise<bigint> => {
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const stream = await client.chat.completions.create({ ...question(), ...options })
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) usage = chunk.usage ?? usage
    return feeOfUsage(usage)
  }
  const charged = await Promise.all(
    Array.from({ length: PROMPTS }, (_, at) => (at % 2 === 0 ? whole() : streamed())),
  )
  fees = charged.reduce((sum, fee) => sum + fee, 0n)
  expect(fees).toBeGreaterThan(0n)
}, 180_000)

test('the node holds a voucher for exactly that, and has settled nothing', async () => {
  const exact = async (): Promise<true | undefined> => {
    const held = await onDisk('SELECT channel_id, cumulative FROM vouchers')
    const found = held.find(({ cumulative }) => cumulative === fees.toString())
    if (found === undefined) return undefined
    channelId = `0x${String(found['channel_id']).slice(2)}`
    return true
  }
  await waitFor('the voucher', exact, { ...WAIT, running: node.process })
  expect(await charged()).toEqual([{ fees: fees.toString(), settled: '0' }])
  const ledger = createLedger({
    wallet: network.wallet(SPONSOR),
    deployment: network.chain.deployment,
  })
  const { mode, spent, locked } = await ledger.channelOf(channelId)
  expect([mode, spent, locked]).toEqual(['VOUCHER', 0n, parseEther('0.01')])
}, 60_000)

test('N9 N11 killed and started again it loses nothing, and is paid exactly by one transaction', async () => {
  await node.process.kill()
  second = await node.machine.boot({ agentId: node.agentId, serviceId: 0 })
  expect(await charged()).toEqual([{ fees: fees.toString(), settled: '0' }])
  // A node that is stopped settles first.
  await second.stop()
  const client = network.wallet(0).extend(publicActions)
  const { deployment } = network.chain
  const ledger = createLedger({ wallet: network.wallet(SPONSOR), deployment })
  expect((await ledger.channelOf(channelId)).spent).toBe(fees)
  const logs = await client.getLogs({ address: deployment.inferenceServing, fromBlock: 0n })
  const abi = inferenceServingAbi
  expect(parseEventLogs({ abi, eventName: 'Settled', logs })).toEqual([])
  const settled = parseEventLogs({ abi, eventName: 'VoucherSettled', logs })
  const ofChannel = settled.map(({ args }) => args).filter((args) => args.channelId === channelId)
  expect(ofChannel).toMatchObject([
    { channelId, agentId: node.agentId, cumulative: fees, paid: fees },
  ])
}, 120_000)

test('the budget of the account is charged exactly', async () => {
  await gateway.process.stop()
  const { chainId, computeRegistry } = network.chain.deployment
  const store = openStore(storeFile, `eip155:${chainId}:${computeRegistry}`)
  expect(store.budgets.spent('account:team', day)).toBe(fees)
  expect(store.fees.of(channelId)).toBe(fees)
  store.close()
}, 60_000)
