import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { launchTd, serveGuestAgent } from '@jeju/simulator'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { connectGuestAgent } from '../../enclave/src/guest-agent/dstack-guest-agent.ts'
import { cleanUp, COMPOSE, temporaryFolder, thePlatform } from './setting/start-node.ts'

const closing: (() => void)[] = []
afterAll(async () => {
  for (const close of closing) close()
  await cleanUp()
})

const TIMES = { callTimeoutMs: 300, absenceMs: 400 }
const REPORT_DATA = Uint8Array.from({ length: 64 }, (_, index) => index)
const INFO = {
  instance_id: 'ab'.repeat(20),
  tcb_info: JSON.stringify({
    app_compose: '{"a":1}',
    compose_hash: toBareHex(sha256(utf8('{"a":1}'))),
  }),
}
const LINK = 'cd'.repeat(65)
const KEY = { key: 'ef'.repeat(32), signature_chain: [LINK, LINK] }

function quoteWith(reportData: Uint8Array, bytes = 1000): string {
  const quote = new Uint8Array(bytes)
  quote.set(reportData.slice(0, Math.max(0, bytes - 568)), Math.min(568, bytes))
  return toBareHex(quote)
}

const QUOTE = { quote: quoteWith(REPORT_DATA), event_log: '[]', vm_config: '{}' }

type Answers = Record<string, unknown>

/** A socket that answers what it is told to. */
async function socketWith(answers: Answers): Promise<string> {
  const path = join(await temporaryFolder(), 'agent.sock')
  const server = createServer((request, response) => {
    const method = (request.url ?? '').slice(1)
    if (!(method in answers)) return
    const answer = answers[method]
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
    response.writeHead(method === 'Refused' ? 400 : 200, { 'Content-Length': body.length })
    response.end(body)
  }).listen(path)
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return path
}

const GOOD: Answers = { Info: INFO, GetKey: KEY, GetQuote: QUOTE, Version: { version: '0.5.11' } }

describe('the guest agent', () => {
  test('gives keys, quotes and facts of a TD', async () => {
    const td = launchTd(await thePlatform(), { appCompose: COMPOSE })
    const socket = join(await temporaryFolder(), 'dstack.sock')
    const server = await serveGuestAgent(td, socket)
    const agent = await connectGuestAgent(socket)
    expect(await agent.info()).toEqual({ instanceId: td.instanceId, appCompose: COMPOSE })
    const key = await agent.getKey('a/path', 'a purpose', 'secp256k1')
    expect(key.key).toHaveLength(32)
    expect(key.signatureChain.map(({ length }) => length)).toEqual([65, 65])
    const other = await agent.getKey('another/path', 'a purpose', 'ed25519')
    expect(other.key).not.toEqual(key.key)
    const { quote, eventLog } = await agent.quote(REPORT_DATA)
    expect(quote.slice(568, 632)).toEqual(REPORT_DATA)
    expect(JSON.parse(eventLog)).toBeInstanceOf(Array)
    await server.close()
  })

  test('waits for a socket that comes late, and says when it never comes', async () => {
    const socket = join(await temporaryFolder(), 'late.sock')
    await expect(connectGuestAgent(socket, TIMES)).rejects.toMatchObject({
      code: 'GUEST_AGENT_UNAVAILABLE',
    })
    const connecting = connectGuestAgent(socket, { ...TIMES, absenceMs: 5_000 })
    await new Promise((resolve) => setTimeout(resolve, 150))
    const td = launchTd(await thePlatform(), { appCompose: COMPOSE })
    const server = await serveGuestAgent(td, socket)
    expect(await (await connecting).info()).toMatchObject({ instanceId: td.instanceId })
    await server.close()
  })

  test('an agent that restarts is waited for', async () => {
    const td = launchTd(await thePlatform(), { appCompose: COMPOSE })
    const socket = join(await temporaryFolder(), 'dstack.sock')
    const first = await serveGuestAgent(td, socket)
    const agent = await connectGuestAgent(socket, { ...TIMES, absenceMs: 5_000 })
    await first.close()
    const quoting = agent.quote(REPORT_DATA)
    await new Promise((resolve) => setTimeout(resolve, 150))
    const second = await serveGuestAgent(td, socket)
    expect((await quoting).quote.slice(568, 632)).toEqual(REPORT_DATA)
    await second.close()
  })

  test('one that never answers is a timeout', async () => {
    const agent = await connectGuestAgent(await socketWith({ Info: INFO }), TIMES)
    await expect(agent.quote(REPORT_DATA)).rejects.toMatchObject({ code: 'GUEST_AGENT_TIMEOUT' })
  })

  test('every field is checked, and no message repeats a value', async () => {
    const secret = 'ef'.repeat(31)
    const table: readonly (readonly [string, Answers])[] = [
      ['error body for a key', { GetKey: { error: 'no such thing' } }],
      ['short key', { GetKey: { ...KEY, key: secret } }],
      ['key that is no hex', { GetKey: { ...KEY, key: 'zz'.repeat(32) } }],
      ['one link', { GetKey: { ...KEY, signature_chain: [LINK] } }],
      ['three links', { GetKey: { ...KEY, signature_chain: [LINK, LINK, LINK] } }],
      ['short link', { GetKey: { ...KEY, signature_chain: [LINK, secret] } }],
      ['error body for a quote', { GetQuote: { error: 'no TDX here' } }],
      ['other report data', { GetQuote: { ...QUOTE, quote: quoteWith(new Uint8Array(64)) } }],
      ['short quote', { GetQuote: { ...QUOTE, quote: quoteWith(REPORT_DATA, 631) } }],
      ['empty quote', { GetQuote: { ...QUOTE, quote: '' } }],
      ['quote with 0x', { GetQuote: { ...QUOTE, quote: `0x${QUOTE.quote}` } }],
      ['no event log', { GetQuote: { quote: QUOTE.quote } }],
      ['event log that is no text', { GetQuote: { ...QUOTE, event_log: [] } }],
      ['null', { GetKey: 'null', GetQuote: 'null' }],
      ['HTML', { GetKey: '<h1>404</h1>', GetQuote: '<h1>404</h1>' }],
    ]
    for (const [name, changes] of table) {
      const agent = await connectGuestAgent(await socketWith({ ...GOOD, ...changes }), TIMES)
      const ask =
        'GetKey' in changes ? agent.getKey('p', 'q', 'secp256k1') : agent.quote(REPORT_DATA)
      const error: unknown = await ask.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect([name, error]).toMatchObject([name, { code: 'GUEST_AGENT_ANSWER' }])
      expect(String(error)).not.toContain(secret)
    }
  })

  test('facts that contradict themselves refuse the start', async () => {
    const tcb = (members: object): string =>
      JSON.stringify({ ...(JSON.parse(INFO.tcb_info) as object), ...members })
    const table: readonly Answers[] = [
      { Info: { error: 'not ready' } },
      { Info: { ...INFO, instance_id: '' } },
      { Info: { ...INFO, instance_id: 'AB'.repeat(20) } },
      { Info: { ...INFO, tcb_info: '{}' } },
      { Info: { ...INFO, tcb_info: 'no json' } },
      { Info: { ...INFO, tcb_info: tcb({ app_compose: '{"a":2}' }) } },
      { Info: { ...INFO, tcb_info: tcb({ compose_hash: '00'.repeat(32) }) } },
    ]
    for (const answers of table) {
      const socket = await socketWith({ ...GOOD, ...answers })
      await expect(connectGuestAgent(socket, TIMES)).rejects.toMatchObject({
        code: 'GUEST_AGENT_ANSWER',
      })
    }
  })
})
