import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { createLedger, createReleaseDesk } from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor } from '../../demo/network/process.ts'
import {
  expectNoSecrets,
  json,
  startCommandLine,
  type CommandLine,
} from './setting/command-line.ts'
import { serveDesk } from './setting/release-desk.ts'
import { jeju } from './setting/shell.ts'

// A user with a shell on a network of real processes. Tests run in order.

const QUESTION = 'What is 7 times 8?'
const ANSWER = '7 * 8 = 56'
const DAY_S = 24 * 3600

let commandLine: CommandLine
let network: Network
let node: DevnetProvider
let tampered: DevnetProvider
let folder: string
let sh: CommandLine['sh']
let withProxy: CommandLine['withProxy']

beforeAll(async () => {
  commandLine = await startCommandLine()
  ;({ network, node, tampered, folder, sh, withProxy } = commandLine)
}, 180_000)

afterAll(() => commandLine?.stop(), 60_000)

describe('before anything is paid', () => {
  test('providers lists what the chain says, and whom the gateway admits', async () => {
    const { exit, out } = await sh('providers --json')
    expect(exit).toBe(0)
    expect(json(out)).toMatchObject([
      { agentId: node.agentId.toString(), model: network.model.descriptor.id, admitted: true },
      { agentId: tampered.agentId.toString(), admitted: false },
    ])
    expect((await sh('providers --model none --json')).out).toBe('')
  })

  test('verify accepts the node, refuses the tampered one by name, and says who does not answer', async () => {
    const good = await sh(`verify --json ${node.machine.url}`)
    expect(good.exit).toBe(0)
    expect(json(good.out)).toMatchObject([
      { outcome: 'verified', tier: 'simulated', claims: { bindingId: node.bindingId } },
    ])
    const bad = await sh(`verify ${tampered.machine.url}`)
    expect(bad.exit).toBe(10)
    expect(bad.out).toContain('FAILED   compose-allowed')
    const other = await sh(`verify --agent ${tampered.agentId} ${node.machine.url}`)
    expect(other.exit).toBe(10)
    expect(other.out).toContain('FAILED   statement-identity')
    expect((await sh('verify http://127.0.0.1:9')).exit).toBe(20)
  })

  test('T11 simulated_label_visible', async () => {
    const { out, err } = await sh(`verify ${node.machine.url}`)
    expect(out).toContain('under a SIMULATED root')
    expect(err).toContain('not Intel')
  })
})

describe('a wallet in a keystore', () => {
  test('opens a channel, tops it up and lists it', async () => {
    const model = network.model.descriptor.id
    const opened = await sh(`channel open --json --agent ${node.agentId} --model ${model} 0.002`)
    expect(opened.exit).toBe(0)
    const [channel] = json<{ channelId: string }>(opened.out)
    expect((await sh(`channel topup ${channel?.channelId} 0.001`)).exit).toBe(0)
    const listed = json((await sh('channel list --json')).out)
    expect(listed).toMatchObject([
      { channelId: channel?.channelId, state: 'OPEN', locked: '3000000000000000', signed: '0' },
      { available: '0' },
    ])
  })

  test('OpenAI, Anthropic and Vercel clients work through the proxy, from the channel that is there', async () => {
    const model = network.model.descriptor.id
    const progress = await withProxy('--sealing required', async (url) => {
      const openai = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 })
      const messages = [{ role: 'user' as const, content: QUESTION }]
      const completion = await openai.chat.completions.create({ model, messages, temperature: 0 })
      expect(completion.choices[0]?.message.content).toBe(ANSWER)
      let streamed = ''
      const stream = await openai.responses.create({ model, input: QUESTION, stream: true })
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') streamed += event.delta
      }
      expect(streamed).toBe(ANSWER)
      expect((await openai.models.list()).data.map(({ id }) => id)).toEqual([model])

      const baseURL = url.replace(/\/v1$/, '')
      const anthropic = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 })
      const message = await anthropic.messages
        .stream({ model, max_tokens: 30, messages })
        .finalMessage()
      expect(message.content).toEqual([{ type: 'text', text: ANSWER }])

      const provider = createOpenAICompatible({ name: 'jeju', baseURL: url, apiKey: 'none' })
      const chat = provider(model)
      const { text } = await generateText({ model: chat, prompt: QUESTION, temperature: 0 })
      expect(text).toBe(ANSWER)
      let pieces = ''
      const { textStream } = streamText({ model: chat, prompt: QUESTION, temperature: 0 })
      for await (const piece of textStream) pieces += piece
      expect(pieces).toBe(ANSWER)
    })
    expect(progress.match(/answer verified/g)).toHaveLength(5)
    expect(progress).not.toContain('ether locked')
    expect(progress).not.toContain(QUESTION)
  })

  test('a budget that is used up is a coded error of the proxy', async () => {
    const model = network.model.descriptor.id
    const home = join(folder, 'home-of-another')
    await withProxy(`--json --budget 0.000000000000000001 --home ${home}`, async (line) => {
      const { url } = JSON.parse(line) as { url: string }
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
      const response = await fetch(`${url}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: QUESTION }] }),
      })
      expect(response.status).toBe(402)
      expect(await response.json()).toMatchObject({ error: { code: 'budget_exhausted' } })
    })
  })
})

describe('receipts', () => {
  test('are listed and verified again with nobody to ask', async () => {
    expect(json((await sh('receipts --json')).out)).toHaveLength(5)
    // Addresses where nobody listens: whoever asked would fail.
    const nowhere = { JEJU_RPC: 'http://127.0.0.1:9', JEJU_COLLATERAL: 'http://127.0.0.1:9' }
    const { exit, out } = await sh('receipts verify --json', nowhere)
    expect(exit).toBe(0)
    const verified = json<{ outcome: string; checks: unknown[] }>(out)
    expect(verified.map(({ outcome }) => outcome)).toEqual(Array(5).fill('verified'))
  })

  test('are proven by the logs of their nodes, and then against the chain alone', async () => {
    const required = await sh('receipts verify --inclusion')
    expect(required.exit).toBe(10)
    expect(required.out).toContain('inclusion-kept')
    await waitFor(
      'every epoch to be anchored',
      async () => {
        const { out } = await sh(
          'receipts prove --json --confirmations 1 --arweave http://127.0.0.1:9',
        )
        return json<{ outcome: string }>(out).some(({ outcome }) => outcome === 'open')
          ? undefined
          : true
      },
      { timeoutMs: 60_000 },
    )
    const nowhere = { JEJU_COLLATERAL: 'http://127.0.0.1:9' }
    const verified = await sh('receipts verify --inclusion --confirmations 1 --json', nowhere)
    expect(verified.exit).toBe(0)
    expect(json<{ checks: { name: string }[] }>(verified.out)[0]?.checks).toContainEqual(
      expect.objectContaining({ name: 'inclusion-root', status: 'passed' }),
    )
    const offline = await sh('receipts verify --json', {
      ...nowhere,
      JEJU_RPC: nowhere.JEJU_COLLATERAL,
    })
    expect(offline.exit).toBe(0)
    expect(json<{ checks: { name: string }[] }>(offline.out)[0]?.checks).toContainEqual(
      expect.objectContaining({ name: 'inclusion-root', status: 'skipped' }),
    )
  }, 120_000)

  test('S5 tampered_store_detected: a changed record is refused, one of no form named', async () => {
    const receipts = join(folder, 'home', 'receipts')
    const files = (await readdir(receipts, { recursive: true })).filter((name) =>
      name.endsWith('.json'),
    )
    const file = join(receipts, files[0] ?? '')
    const good = await readFile(file, 'utf8')
    await writeFile(file, good.replace(/"responseHash":"0x../, '"responseHash":"0x00'))
    const changed = await sh('receipts verify')
    expect(changed.exit).toBe(10)
    expect(changed.out).toContain('FAILED   receipt-response')
    await writeFile(file, good.slice(1))
    expect((await sh('receipts verify')).exit).toBe(30)
    await writeFile(file, good)
    expect((await sh('receipts verify')).exit).toBe(0)
  })
})

describe('the end of a channel', () => {
  test('by refund, where the provider names no place to ask', async () => {
    const closing = await sh('channel close --all --json')
    expect(closing.exit).toBe(0)
    expect(json(closing.out)).toMatchObject([{ outcome: 'closing' }])
    await network.chain.passTime(DAY_S + 1)
    const refunded = await sh('channel close --all --withdraw --json')
    expect(json(refunded.out)).toMatchObject([
      { outcome: 'refunded' },
      { withdrawn: expect.stringMatching(/^\d{16}$/) },
    ])
    expect(json((await sh('channel list --json')).out)).toEqual([{ available: '0' }])
  })

  test('at once, where the provider serves a desk and all of it is settled', async () => {
    const { deployment } = network.chain
    const wallet = network.wallet(1)
    const ledger = createLedger({ wallet, deployment })
    let owed = 0n
    const answer = createReleaseDesk({ wallet, deployment, owed: async () => owed })
    const desk = await serveDesk(async (request) => {
      const answered = await answer(request)
      // Who is not told when to ask again waits for nothing.
      answered.headers.delete('retry-after')
      return answered
    })
    onTestFinished(() => desk.close())
    const services = [{ name: 'release', endpoint: desk.url }]
    await node.calls.publish(node.agentId, { name: 'node A', description: 'with a desk', services })

    const opened = await sh(`channel open --json --agent ${node.agentId} --service 0 0.001`)
    const [channel] = json<{ channelId: Hex }>(opened.out)
    if (channel === undefined) throw new Error('no channel was opened')
    owed = 1n
    expect(json((await sh('channel close --all --json')).out)).toMatchObject([
      { outcome: 'closing' },
    ])
    owed = 0n
    expect(json((await sh('channel close --all --json')).out)).toMatchObject([
      { outcome: 'released', returned: '1000000000000000' },
    ])
    expect((await ledger.channelOf(channel.channelId)).state).toBe('CLOSED')
  })
})

describe('an operator and a user', () => {
  test('stake, unbond and see the bond', async () => {
    expect((await sh('stake --role user add 0.02')).exit).toBe(0)
    const { exit, out } = await sh('stake --role user unbond 0.01 --json')
    expect(exit).toBe(0)
    expect(json(out)).toMatchObject([
      { bonded: '10000000000000000', unbonding: '10000000000000000' },
    ])
    expect((await sh('stake --role user withdraw')).exit).toBe(40)
    expect((await sh(`stake --agent ${node.agentId} add 0.1`)).err).toContain('CONFIG_WALLET')
  })
})

test('settings: two keys, a wrong password, another chain, no network', async () => {
  const both = await sh('channel list', { JEJU_PRIVATE_KEY: `0x${'11'.repeat(32)}` })
  expect(both).toMatchObject({ exit: 2 })
  await writeFile(join(folder, 'wrong'), 'other')
  const wrong = await sh('channel list', { JEJU_PASSWORD_FILE: join(folder, 'wrong') })
  expect(wrong).toMatchObject({ exit: 2 })
  const other = { ...network.chain.deployment, chainId: 10 }
  await writeFile(join(folder, 'other.json'), JSON.stringify(other))
  const elsewhere = await sh(`providers --deployment ${join(folder, 'other.json')}`)
  expect(elsewhere.err).toContain('CONFIG_CHAIN')
  expect(await jeju(['providers'], {}).exit).toBe(2)
})

test('nothing that was printed holds a key or a password', () => {
  expect(commandLine.printed.join('\n').length).toBeGreaterThan(10_000)
  expectNoSecrets(commandLine)
})
