import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw, type RawSending } from './setting/raw-http.ts'
import {
  CANARY,
  expectRefusal,
  expectUnharmed,
  HOST,
  NAMED,
  OPERATIONS,
  paidHead,
  serveNode,
  type RawNode,
} from './setting/raw-node.ts'
import { cleanUp } from './setting/start-node.ts'
import { CHAT_PATH, chatBody } from './setting/test-client.ts'

let served: RawNode
beforeAll(async () => {
  served = await serveNode()
})
afterAll(async () => {
  await served.close()
  await cleanUp()
})

type Case = readonly [name: string, request: string | Uint8Array, sending?: RawSending]

/** Requests that no server may take, for one operation. */
function brokenHeads(method: string, path: string): readonly Case[] {
  const line = `${method} ${path} HTTP/1.1\r\n`
  const body = (headers: string, rest: string): string => `${line}${HOST}${headers}\r\n${rest}`
  return [
    ['no host', `${line}\r\n`],
    ['two hosts', `${line}${HOST}Host: ${CANARY}\r\n\r\n`],
    ['a host that is none', `${line}Host: a/${CANARY}?b\r\n\r\n`],
    ['a host with a name', `${line}Host: ${CANARY}@node.test\r\n\r\n`],
    ['HTTP/1.0 without a host', `${method} ${path} HTTP/1.0\r\n\r\n`],
    ['HTTP/2', `${method} ${path} HTTP/2.0\r\n${HOST}\r\n`],
    ['HTTP/0.9', `${method} ${path}\r\n`, { half: true }],
    ['no such version', `${method} ${path} HTTP/1.9\r\n${HOST}\r\n`],
    ['a target without a slash', `${method} ${path.slice(1)} HTTP/1.1\r\n${HOST}\r\n`],
    ['a backslash', `${method} \\${path} HTTP/1.1\r\n${HOST}\r\n`],
    ['a fragment', `${method} ${path}#${CANARY} HTTP/1.1\r\n${HOST}\r\n`],
    [
      'bytes in the target',
      Buffer.from(`${method} ${path}\xff\xfe HTTP/1.1\r\n${HOST}\r\n`, 'latin1'),
    ],
    ['NUL in the target', `${method} ${path}\0 HTTP/1.1\r\n${HOST}\r\n`],
    ['a target of 20 KB', `${method} ${path}?${CANARY.repeat(2000)} HTTP/1.1\r\n${HOST}\r\n`],
    ['a header of 20 KB', body(`X: ${CANARY.repeat(2000)}\r\n`, '')],
    ['300 headers', body(Array.from({ length: 300 }, (_, at) => `X${at}: 1\r\n`).join(''), '')],
    ['65 headers', body(Array.from({ length: 64 }, (_, at) => `X${at}: 1\r\n`).join(''), '')],
    ['NUL in a header', body(`X: a\0${CANARY}\r\n`, '')],
    ['a header without a colon', body(`${CANARY}\r\n`, '')],
    ['a header with a space in its name', body(`X ${CANARY}: 1\r\n`, '')],
    ['a space before the colon', body('Content-Length : 2\r\n', '{}')],
    ['a folded header', body(`X: a\r\n ${CANARY}\r\n`, '')],
    ['plain line feeds', `${method} ${path} HTTP/1.1\nHost: node.test\n\n`],
    ['length and chunks', body('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    ['chunks and length', body('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n')],
    ['two lengths', body('Content-Length: 2\r\nContent-Length: 3\r\n', '{}x')],
    ['one length twice', body('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
    ['a list of lengths', body('Content-Length: 2, 2\r\n', '{}')],
    ['a negative length', body('Content-Length: -2\r\n', '{}')],
    ['a length with a sign', body('Content-Length: +2\r\n', '{}')],
    ['a hexadecimal length', body('Content-Length: 0x2\r\n', '{}')],
    ['a length beyond all numbers', body('Content-Length: 99999999999999999999\r\n', '{}')],
    ['another coding', body('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['a coding that is spelled like one', body('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
    [
      'two codings',
      body('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
    ],
    [
      'chunks in HTTP/1.0',
      `${method} ${path} HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['another expectation', body('Expect: 200-ok\r\nContent-Length: 2\r\n', '{}')],
    ['a proxy’s method', `CONNECT node.test:443 HTTP/1.1\r\n${HOST}\r\n`],
    ['a method that is none', `${CANARY} ${path} HTTP/1.1\r\n${HOST}\r\n`],
    ['TLS', Buffer.from(`160301020001000001fc0303${'ab'.repeat(64)}`, 'hex')],
    ['HTTP/2 with its preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['nothing but an end', `${method} ${path.slice(0, 3)}`, { half: true }],
  ]
}

describe('E19 strict_decoding_table: a request that is no HTTP', () => {
  test.each(NAMED)('%s', async (_, method, path) => {
    for (const [name, request, sending] of brokenHeads(method, path)) {
      const { answers, rest, isEnded } = await sendRaw(served.port, request, {
        wait: 2,
        ...sending,
      })
      // One answer, and then the connection ends: nothing behind it is read as another request.
      expect([name, answers.length, rest, isEnded]).toEqual([name, 1, '', true])
      for (const answer of answers) {
        expect([name, answer.status]).not.toEqual([name, 200])
        expectRefusal(answer)
      }
    }
    await expectUnharmed(served.running)
  })
})

describe('E19 strict_decoding_table: HTTP that nobody asked for', () => {
  const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PURGE']

  test.each(NAMED)('%s is told its methods', async (_, method, path) => {
    const methods = OPERATIONS.filter((one) => one.path === path).map((one) => one.method)
    const allowed = methods.includes('GET') ? [...methods, 'HEAD'] : methods
    expect(methods).toContain(method)
    for (const other of METHODS.filter((one) => !allowed.includes(one))) {
      const headers = `Content-Type: application/json\r\nContent-Length: ${CANARY.length}\r\n`
      const request = `${other} ${path} HTTP/1.1\r\n${HOST}${headers}\r\n${CANARY}`
      const { answers } = await sendRaw(served.port, request)
      const [answer] = answers
      expect([other, answer?.status]).toEqual([other, 405])
      expect(answer?.headers['allow']).toBe(allowed.join(', '))
    }
  })

  test.each(NAMED)('%s: whatever its query and its headers say', async (_, method, path) => {
    const queries = [
      '?',
      '?nonce',
      '?nonce=%',
      `?nonce=${CANARY}&nonce=`,
      '?__proto__=1',
      '?a[]=%00',
    ]
    const headers = [
      `Content-Type: ${CANARY}\r\n`,
      'Content-Type: multipart/form-data; boundary=x\r\n',
      'Content-Encoding: gzip\r\n',
      `Authorization: Bearer ${CANARY}\r\n`,
      `Compute-Authorization: ${CANARY}\r\n`,
      `Compute-Authorization: ${'A'.repeat(9000)}\r\n`,
      'Compute-Authorization: e30\r\nCompute-Authorization: e30\r\n',
      `Ehbp-Encapsulated-Key: ${CANARY}\r\n`,
      `Ehbp-Encapsulated-Key: ${'ab'.repeat(32)}\r\n`,
      'Range: bytes=0-1\r\n',
      'Connection: Upgrade\r\nUpgrade: websocket\r\n',
      `__proto__: ${CANARY}\r\n`,
      'X-Forwarded-Host: other.test\r\nForwarded: for=1\r\n',
    ]
    const length = method === 'POST' ? 'Content-Length: 2\r\n' : ''
    const rest = `${HOST}${length}`
    const body = method === 'POST' ? '{}' : ''
    const requests = [
      ...queries.map((query) => `${method} ${path}${query} HTTP/1.1\r\n${rest}\r\n${body}`),
      ...headers.map((more) => `${method} ${path} HTTP/1.1\r\n${rest}${more}\r\n${body}`),
      `${method} http://node.test${path} HTTP/1.1\r\n${rest}\r\n${body}`,
      `${method} ${path} HTTP/1.0\r\n${rest}\r\n${body}`,
    ]
    for (const request of requests) {
      const [answer] = (await sendRaw(served.port, request)).answers
      expect(answer).toBeDefined()
      // Quotes are rationed; that is a refusal, too.
      if (answer !== undefined && answer.status !== 200) {
        const { 'content-type': type = '' } = answer.headers
        if (type === 'application/problem+json') expect(answer.status).toBe(422)
        else expectRefusal(answer)
      }
    }
    await expectUnharmed(served.running)
  })

  test('a path that is not served is one answer for all', async () => {
    for (const path of [
      '/',
      '//',
      '/v1',
      '/v1/',
      `/${CANARY}`,
      '/v1/models/',
      '/health/',
      '/..',
      '/v1/chat/completions/',
      '/V1/MODELS',
      '/health%00',
    ]) {
      const [answer] = (await sendRaw(served.port, `GET ${path} HTTP/1.1\r\n${HOST}\r\n`)).answers
      expect([path, answer?.status]).toEqual([path, 404])
      if (answer !== undefined) expectRefusal(answer)
    }
  })
})

describe('one connection', () => {
  const health = `GET /health HTTP/1.1\r\n${HOST}\r\n`

  test('requests that come at once are answered one by one, in their order', async () => {
    const bad = `POST ${CHAT_PATH} HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n{}`
    const request = `${health}GET /nothing HTTP/1.1\r\n${HOST}\r\n${bad}${health}`
    const { answers, rest } = await sendRaw(served.port, request, { wait: 4 })
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 402, 200])
    expect(rest).toBe('')
  })

  test('what cannot be read behind an answer is refused, and ends it', async () => {
    const first = await sendRaw(served.port, `${health}${CANARY}\r\n\r\n`, { wait: 3 })
    expect(first.isEnded).toBe(true)
    // Where the first answer is still on its way, there is no second one.
    for (const answer of first.answers.slice(1)) expectRefusal(answer)
  })

  test('a paid answer is not replaced by a refusal of what comes behind it', async () => {
    const body = chatBody()
    const head = paidHead(CHAT_PATH, served.running.client.sign(body), body.length)
    const { answers } = await sendRaw(served.port, `${head}${body}${CANARY}\r\n\r\n`, { wait: 3 })
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    await expectUnharmed(served.running)
  })
})

test('N7 headers that do not come are given up with a code, and their connection with them', async () => {
  const { answers, isEnded } = await sendRaw(
    served.port,
    `POST ${CHAT_PATH} HTTP/1.1\r\n${HOST}X-${CANARY}: `,
    { wait: 2, withinMs: 25_000 },
  )
  expect(answers.map(({ status }) => status)).toEqual([408])
  expect(isEnded).toBe(true)
  for (const answer of answers) expectRefusal(answer)
  await expectUnharmed(served.running)
}, 40_000)

test('any bytes are answered or given up, and harm nothing', async () => {
  const body = chatBody()
  const valid = (): Buffer => {
    const head = paidHead(CHAT_PATH, served.running.client.sign(body), body.length)
    return Buffer.from(`${head}${body}`)
  }
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 8 }),
    insert: fc.uint8Array({ maxLength: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      let bytes = valid()
      for (const { at, cut, insert } of changes) {
        const place = Math.floor(at * bytes.length)
        bytes = Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + cut)])
      }
      // This side ends, so whatever waits for more of it ends too.
      const { answers } = await sendRaw(served.port, bytes, { half: true, wait: 9 })
      for (const { status } of answers) {
        expect(status).toBeLessThan(500)
      }
    }),
    { numRuns: 200 },
  )
  await expectUnharmed(served.running)
})
