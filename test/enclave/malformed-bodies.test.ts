import { isPromptPath } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw } from './setting/raw-http.ts'
import {
  CANARY,
  expectRefusal,
  expectUnharmed,
  HOST,
  NAMED,
  paidHead,
  serveNode,
  type RawNode,
} from './setting/raw-node.ts'
import { cleanUp } from './setting/start-node.ts'

let served: RawNode
beforeAll(async () => {
  served = await serveNode()
})
afterAll(async () => {
  await served.close()
  await cleanUp()
})

const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

/** Bodies that no endpoint takes, whoever signed for them. */
const BODIES: readonly (readonly [string, string | Uint8Array])[] = [
  ['nothing', ''],
  ['no JSON', CANARY],
  ['half of JSON', `{"model":"${CANARY}`],
  ['more than JSON', `{} ${CANARY}`],
  ['null', 'null'],
  ['a number', '1'],
  ['a list', '[]'],
  ['a text', `"${CANARY}"`],
  ['a byte order mark', '\ufeff{}'],
  ['UTF-16', Buffer.from(`{"model":"${CANARY}"}`, 'utf16le')],
  ['bytes that are no UTF-8', Buffer.from(`{"model":"\xff\xfe${CANARY}"}`, 'latin1')],
  [
    'half of a character',
    Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')]),
  ],
  ['half of a pair', `{"model":"\\ud800${CANARY}"}`],
  ['NUL', `{"model":"a"}\0`],
  ['nesting to the depth of a stack', deep(200_000)],
  ['an object of that nesting', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['nesting in a member', `{"model":"${'m'}","messages":${deep(50_000)}}`],
  ['a member twice', `{"model":"${CANARY}","model":"other"}`],
  ['a member twice, spelled otherwise', `{"model":"${CANARY}","\\u006dodel":"other"}`],
  ['a prototype', `{"__proto__":{"model":"${CANARY}"}}`],
  ['a constructor', `{"constructor":{"prototype":{"model":"${CANARY}"}}}`],
  ['a number beyond all', '{"max_tokens":1e999}'],
  ['a number that is none', '{"max_tokens":NaN}'],
  ['a comment', `{} // ${CANARY}`],
  ['a long name', `{"${CANARY.repeat(20_000)}":1}`],
  ['a form', `model=${CANARY}`],
]

const POSTED = NAMED.filter(([, method]) => method === 'POST')

describe.each(POSTED)('E19 strict_decoding_table: %s, signed and paid for,', (_, _method, path) => {
  const post = (body: string | Uint8Array): Uint8Array => {
    const bytes = Buffer.from(body)
    const head = isPromptPath(path)
      ? paidHead(path, served.running.client.sign(bytes, { path }), bytes.length)
      : `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${bytes.length}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), bytes])
  }

  test.each(BODIES)('refuses %s', async (_name, body) => {
    const before = served.running.engine.requests.length
    const [answer] = (await sendRaw(served.port, post(body))).answers
    if (answer === undefined) throw new Error('no answer')
    expectRefusal(answer)
    expect(served.running.engine.requests.length).toBe(before)
  })

  test('refuses members of every wrong kind, and says which', async () => {
    const values = [
      'null',
      '1e400',
      '-1',
      '1.5',
      '9007199254740993',
      '""',
      '"\\u0000"',
      '[]',
      '{}',
      'true',
      deep(64),
    ]
    const names = [
      'model',
      'messages',
      'prompt',
      'input',
      'max_tokens',
      'temperature',
      'stop',
      'seed',
      'n',
      'tools',
      'stream',
    ]
    for (const name of names) {
      for (const value of values) {
        const [answer] = (await sendRaw(served.port, post(`{"${name}":${value}}`))).answers
        if (answer === undefined) throw new Error('no answer')
        expectRefusal(answer)
      }
    }
    await expectUnharmed(served.running)
  })

  test('refuses what is too large, stated or not', async () => {
    const chunk = `10000\r\n${CANARY.repeat(6554).slice(0, 65_536)}\r\n`
    const chunks = `POST ${path} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}0\r\n\r\n`
    const stated = `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: 99999999\r\n\r\n${CANARY}`
    for (const request of [chunks, stated]) {
      const [answer] = (await sendRaw(served.port, request)).answers
      expect(answer?.status).toBe(413)
      if (answer !== undefined) expectRefusal(answer)
    }
    await expectUnharmed(served.running)
  })

  test('gives up chunks that are none', async () => {
    for (const chunks of [
      `ZZ\r\n${CANARY}\r\n0\r\n\r\n`,
      `FFFFFFFFFFFFFFFFF\r\n{}\r\n`,
      `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
      `-1\r\n`,
      `2\r\n{}${CANARY}`,
    ]) {
      const request = `POST ${path} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}`
      const { answers, isEnded } = await sendRaw(served.port, request, { wait: 2 })
      expect([answers.length, isEnded]).toEqual([1, true])
      for (const answer of answers) expectRefusal(answer)
    }
    await expectUnharmed(served.running)
  })
})
