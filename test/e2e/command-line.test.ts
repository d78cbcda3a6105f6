import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { createLedger, createReleaseDesk } from '@jeju/sdk'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import { providerDocuments } from '../../demo/network/gateway-view.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor } from '../../demo/network/process.ts'
import { jeju, type Ran } from './setting/shell.ts'
import { makeUser } from './setting/user-folder.ts'

// A user with a shell on a network of real processes. Tests run in order.

const QUESTION = 'What is 7 times 8?'
const ANSWER = '7 * 8 = 56'
const PASSWORD = 'correct horse battery'
const USER = 5
const DAY_S = 24 * 3600

let network: Network
let node: DevnetProvider
let tampered: DevnetProvider
let gateway: GatewayProcess
let folder = ''
let env: Record<string, string>
/** Everything that any command printed. */
const printed: string[] = []

beforeAll(async () => {
  network = await startNetwork()
  node = await network.startProvider('node A', 1)
  tampered = await network.startTamperedProvider('node B', 2)
  gateway = await network.startGateway()
  await waitFor(
    'admission',
    async () =>
      (await providerDocuments(gateway.url)).some(({ admitted }) => admitted) ? true : undefined,
    { timeoutMs: 30_000 },
  )
  ;({ folder, env } = await makeUser(network, gateway, { key: USER, password: PASSWORD }))
}, 180_000)

afterAll(async () => {
  await network.stop()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
}, 60_000)

async function ended(ran: Ran): Promise<{ exit: number; out: string; err: string }> {
  const exit = await ran.exit
  printed.push(...ran.out, ...ran.err)
  return { exit, out: ran.out.join('\n'), err: ran.err.join('\n') }
}

const sh = (
  line: string,
  more: Record<string, string> = {},
): Promise<{ exit: number; out: string; err: string }> =>
  ended(jeju(line.split(' '), { ...env, ...more }))

const json = <Value>(out: string): Value[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Value)

/** Runs `jeju proxy` while `use` lasts. */
async function withProxy(flags: string, use: (url: string) => Promise<void>): Promise<string> {
  const ran = jeju(['proxy', '--port', '0', ...flags.split(' ').filter((flag) => flag !== '')], env)
  const url = await waitFor('the proxy', async () => ran.out[0], { timeoutMs: 30_000 })
  try {
    await use(url)
  } finally {
    ran.interrupt()
  }
  const { exit, err } = await ended(ran)
  expect(exit).toBe(0)
  return err
}

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

describe('preferences in a body, as OpenRouter’s users write them', () => {
  test('are the proxy’s at every endpoint, and a node sees none of them', async () => {
    const model = network.model.descriptor.id
    const home = join(folder, 'home-of-a-router')
    const messages = [{ role: 'user' as const, content: QUESTION }]
    const routing = {
      provider: {
        only: [node.agentId.toString()],
        ignore: [tampered.agentId.toString()],
        max_price: { prompt: '1000000000000000000' },
        require_parameters: true,
        sort: 'latency',
      },
      models: [model],
      min_tier: 'simulated',
    }
    const progress = await withProxy(`--home ${home}`, async (url) => {
      const openai = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 })
      const chat = { model, messages, temperature: 0 }
      const whole = await openai.chat.completions.create({ ...chat, ...routing })
      expect(whole.choices[0]?.message.content).toBe(ANSWER)
      const first = { ...chat, model: 'nobody-has-it', ...routing }
      expect((await openai.chat.completions.create(first)).model).toBe(model)
      const said = await openai.responses.create({ model, input: QUESTION, ...routing })
      expect(said.output_text).toBe(ANSWER)
      const prompt = { model, prompt: QUESTION, max_tokens: 4, ...routing }
      expect((await openai.completions.create(prompt)).choices).toHaveLength(1)
      const input = { model, input: QUESTION, ...routing }
      expect((await openai.embeddings.create(input)).data).toHaveLength(1)
      const baseURL = url.replace(/\/v1$/, '')
      const anthropic = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 })
      const told = await anthropic.messages.create({ model, max_tokens: 30, messages, ...routing })
      expect(told.content).toEqual([{ type: 'text', text: ANSWER }])

      for (const [provider, status, param] of [
        [{ only: [tampered.agentId.toString()] }, 502, null],
        [
          { ignore: [node.agentId.toString()], only: ['0x' + '00'.repeat(20)] },
          412,
          'provider.only',
        ],
        [{ max_price: { completion: 1 } }, 412, 'provider.max_price.completion'],
        [{ only: ['me'] }, 400, 'provider.only.0'],
        [{ data_centers: ['x'] }, 400, 'provider.data_centers'],
      ] as const) {
        const question = { ...chat, provider }
        const asked = openai.chat.completions.create(question)
        await expect(asked, JSON.stringify(provider)).rejects.toMatchObject({ status, param })
      }
    })
    expect(progress.match(/answer verified/g)).toHaveLength(6)
    expect(progress).not.toContain(QUESTION)
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
  let desk: Server
  afterAll(() => void desk?.close())

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
    desk = createServer((request, response) => {
      void textOf(request).then(async (body) => {
        const { method = '' } = request
        const answered = await answer(new Request('http://desk.test', { method, body }))
        response.writeHead(answered.status).end(await answered.text())
      })
    })
    await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(desk.address() as AddressInfo).port}/release`
    const services = [{ name: 'release', endpoint }]
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

describe('a command line that cannot be run', () => {
  test.each([
    ['channel', 2],
    ['nothing', 2],
    ['providers --nothing', 2],
    ['proxy --port x', 2],
    ['proxy --sealing maybe', 2],
    ['verify', 2],
    ['verify http://example.test', 2],
    ['channel open --agent 0 --model a --service 1 1', 2],
    ['channel open --agent 0 --model a 1e3', 2],
    ['channel close', 2],
    ['channel topup 0x12 1', 2],
    ['stake --role king', 2],
    ['stake --role user --agent 1', 2],
    ['stake --agent 1 add', 2],
    ['receipts verify extra', 2],
  ])('%s', async (line, code) => {
    const { exit, err } = await sh(line)
    expect(exit).toBe(code)
    expect(err).toMatch(/--help/)
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
    const ran = await ended(jeju(['providers'], {}))
    expect(ran).toMatchObject({ exit: 2 })
  })

  test('every command has its help', async () => {
    const overview = await sh('--help')
    expect(overview.exit).toBe(0)
    const names = overview.out.match(/(?<=^ {2}jeju )[a-z]+( [a-z]+)?(?= )/gm) ?? []
    expect(names.length).toBeGreaterThan(8)
    for (const name of names) {
      const { exit, out } = await sh(`${name.trim()} --help`)
      expect(exit).toBe(0)
      expect(out).toContain('Example')
      expect(out).toContain('Exit code')
    }
    expect((await sh('channel --help')).out).toContain('jeju channel open')
  })
})

test('nothing that was printed holds a key or a password', () => {
  const all = printed.join('\n')
  expect(all.length).toBeGreaterThan(10_000)
  expect(all).not.toContain(toHex(network.chain.privateKey(USER)).slice(2))
  expect(all).not.toContain(PASSWORD)
  expect(all).not.toMatch(/"(sessionKey|salt|signature)"/)
})
