import { rm } from 'node:fs/promises'
import OpenAI from 'openai'
import { parseEther, parseEventLogs, publicActions } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inferenceServingAbi } from '@jeju/contracts'
import { createLedger } from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor } from '../../demo/network/process.ts'
import { admissions } from './setting/admission.ts'
import { openReleaseDesk } from './setting/release-desk.ts'
import { jeju, type Ran } from './setting/shell.ts'
import { makeUser } from './setting/user-folder.ts'

// A user with a shell whose proxy pays by vouchers, on a network of real processes. Tests run in order.

const USER = 5
const PROVIDER = 1
const QUESTION = 'What is 7 times 8?'
const ANSWER = '7 * 8 = 56'
const WAIT = { timeoutMs: 60_000 }

let network: Network
let node: DevnetProvider
let desk: { close(): void }
let folder = ''
let env: Record<string, string>
/** Channels that the proxy has opened, of vouchers and of receipts. */
let opened: readonly Listed[] = []

interface Listed {
  readonly channelId: Hex
  readonly mode: string
  readonly bindingId: Hex | null
  readonly locked: string
  readonly signed: string
  readonly spent: string
}

interface Kept {
  readonly channelId: Hex
  readonly fee: string
}

beforeAll(async () => {
  network = await startNetwork()
  node = await network.startProvider('node', PROVIDER)
  desk = await openReleaseDesk(network, network.wallet(PROVIDER), node)
  const gateway = await network.startGateway()
  await admissions(gateway, 1)
  ;({ folder, env } = await makeUser(network, gateway, { key: USER, password: 'correct horse' }))
}, 240_000)

afterAll(async () => {
  desk?.close()
  await network.stop()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
}, 60_000)

const run = (line: string, more: Record<string, string> = {}): Ran =>
  jeju(line.split(' '), { ...env, ...more })

/** The results of a command that ends well. */
async function results<Result>(line: string): Promise<readonly Result[]> {
  const ran = run(`${line} --json`)
  expect([await ran.exit, ran.err.filter((text) => /^[A-Z_]+:/.test(text))]).toEqual([0, []])
  return ran.out.map((text) => JSON.parse(text) as Result)
}

/** Asks through a proxy that runs as long, and gives what it told. */
async function ask(
  flags: string,
  prompts: number,
  more: Record<string, string> = {},
): Promise<string> {
  const ran = run(`proxy --port 0 ${flags}`.trim(), more)
  const baseURL = await waitFor('the proxy', async () => ran.out[0], WAIT)
  const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 })
  const model = network.model.descriptor.id
  const messages = [{ role: 'user' as const, content: QUESTION }]
  const whole = async (): Promise<string | null | undefined> => {
    const { choices } = await client.chat.completions.create({ model, messages, temperature: 0 })
    return choices[0]?.message.content
  }
  const streamed = async (): Promise<string> => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      temperature: 0,
      stream: true,
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    return text
  }
  try {
    const answers = await Promise.all(
      Array.from({ length: prompts }, (_, at) => (at % 2 === 0 ? whole() : streamed())),
    )
    expect(answers).toEqual(Array.from({ length: prompts }, () => ANSWER))
  } finally {
    ran.interrupt()
  }
  expect(await ran.exit).toBe(0)
  return ran.err.join('\n')
}

const channels = async (): Promise<readonly Listed[]> =>
  (await results<Listed>('channel list')).filter(({ channelId }) => channelId !== undefined)

/** What the kept receipts of a channel come to, wei. */
async function feesOf(channelId: Hex): Promise<bigint> {
  const kept = await results<Kept>('receipts')
  return kept
    .filter((one) => one.channelId === channelId)
    .reduce((sum, { fee }) => sum + BigInt(fee), 0n)
}

test('a proxy with --channels vouchers opens one for the node, and says so', async () => {
  const told = await ask('--channels vouchers', 4)
  expect(told).toContain('0.001 ether locked for agent 0, paid by vouchers')
  expect(told.match(/answer verified/g)).toHaveLength(4)
  const [channel, ...others] = await channels()
  expect(others).toEqual([])
  const signed = (await feesOf(channel?.channelId ?? '0x')).toString()
  expect(signed).not.toBe('0')
  expect(channel).toMatchObject({ mode: 'VOUCHER', bindingId: node.bindingId, signed })
  const { out } = run('channel list')
  await expect.poll(() => out.join('\n')).toContain('available')
  expect(out[0]).toMatch(new RegExp(` voucher +open +0.001 .* ${node.bindingId}$`, 'm'))
}, 120_000)

test('the next one goes on with it, by the environment too; one of receipts leaves it alone', async () => {
  expect(await ask('', 2, { JEJU_CHANNELS: 'vouchers' })).not.toContain('ether locked')
  expect(await ask('--channels receipts', 1, { JEJU_CHANNELS: 'vouchers' })).toMatch(
    /ether locked for agent 0$/m,
  )
  opened = await channels()
  expect(opened.map(({ mode }) => mode).toSorted()).toEqual(['RECEIPT', 'VOUCHER'])
  for (const { channelId, signed } of opened) {
    expect(signed).toBe((await feesOf(channelId)).toString())
  }
}, 120_000)

test('N9 closed, each is settled for exactly what its receipts come to, the one of vouchers by vouchers alone', async () => {
  const { deployment } = network.chain
  const ledger = createLedger({ wallet: network.wallet(USER), deployment })
  const closed = await results<{ channelId: Hex; outcome: string; returned: string }>(
    'channel close --all',
  )
  expect(closed).toHaveLength(2)
  for (const { channelId, outcome, returned } of closed) {
    const fees = await feesOf(channelId)
    const { spent, locked, state } = await ledger.channelOf(channelId)
    expect([outcome, state, spent]).toEqual(['released', 'CLOSED', fees])
    expect(BigInt(returned)).toBe(parseEther('0.001') - fees)
    expect(locked).toBe(fees)
  }
  expect(await channels()).toEqual([])
  const voucher = opened.find(({ mode }) => mode === 'VOUCHER')?.channelId ?? '0x'
  const client = network.wallet(0).extend(publicActions)
  const logs = await client.getLogs({ address: deployment.inferenceServing, fromBlock: 0n })
  const abi = inferenceServingAbi
  const settled = parseEventLogs({ abi, eventName: 'VoucherSettled', logs }).map(({ args }) => args)
  expect(new Set(settled.map(({ channelId }) => channelId))).toEqual(new Set([voucher]))
  expect(settled.at(-1)?.cumulative).toBe(await feesOf(voucher))
  const byReceipt = parseEventLogs({ abi, eventName: 'Settled', logs }).map(({ args }) => args)
  expect(byReceipt.map(({ channelId }) => channelId)).not.toContain(voucher)
}, 180_000)

test('one that was opened and topped up beforehand is used, and closed with the proxy', async () => {
  const model = network.model.descriptor.id
  const { agentId, bindingId } = node
  const binding = `--channels vouchers --binding ${bindingId}`
  const [channel] = await results<Listed>(
    `channel open --agent ${agentId} --model ${model} ${binding} 0.0005`,
  )
  const locked = '500000000000000'
  expect(channel).toMatchObject({ mode: 'VOUCHER', bindingId, locked })
  const id = channel?.channelId ?? '0x'
  const [topped] = await results<Listed>(`channel topup ${id} 0.0005`)
  expect(topped).toMatchObject({ channelId: id, mode: 'VOUCHER', locked: '1000000000000000' })
  const told = await ask('--channels vouchers --close', 2)
  expect(told).not.toContain('ether locked')
  expect(told).toContain(`channel ${id}: released`)
  const ledger = createLedger({
    wallet: network.wallet(USER),
    deployment: network.chain.deployment,
  })
  expect((await ledger.channelOf(id)).spent).toBe(await feesOf(id))
}, 180_000)
