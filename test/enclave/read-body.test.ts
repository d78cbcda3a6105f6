import { AUTHORIZATION_HEADER, encodeAuthorization } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { createConnection, type Socket } from 'node:net'
import { once } from 'node:events'
import { Hono } from 'hono'
import { listen } from '../../enclave/src/http/listen.ts'
import { createBodyReader } from '../../enclave/src/http/read-body.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { CHAT_PATH, chatBody, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

/** A request whose body never ends. */
function slow(headers: Readonly<Record<string, string>> = {}): Request {
  const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) })
  const init = { method: 'POST', body, headers, duplex: 'half' }
  return new Request(`http://node.test${CHAT_PATH}`, init as RequestInit)
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe('bodies on their way', () => {
  test('N7 body_limit: strangers take none of the places of who pays', async () => {
    const { fetch, client } = await startNode()
    // As many as there are places for authorised bodies.
    const answers = Array.from({ length: 128 }, () => fetch(slow()))
    await soon()
    const refused = await Promise.race(answers)
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'too_many_requests' })
    // Headers that nobody with a channel signed are a stranger's.
    const forged = client.sign(chatBody(), { key: new Uint8Array(32).fill(1) })
    const headers = { [AUTHORIZATION_HEADER]: encodeAuthorization(forged) }
    expect((await fetch(slow(headers))).status).toBe(429)
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
  })

  test('N7 body_limit: nor does one wallet take all of them', async () => {
    const bodies = createBodyReader({
      timeoutMs: 50,
      concurrent: 5,
      ofOneOwner: 2,
      ofStrangers: 1,
    })
    const begin = (owner?: string): Promise<unknown> =>
      bodies.read(slow(), owner).catch((error: unknown) => error)
    const first = [begin('a'), begin('a'), begin('b'), begin()]
    expect(await begin('a')).toMatchObject({ code: 'too_many_requests' })
    expect(await begin()).toMatchObject({ code: 'too_many_requests' })
    const more = [begin('b'), begin('c')]
    expect(await begin('d')).toMatchObject({ code: 'too_many_requests' })
    for (const one of await Promise.all([...first, ...more])) {
      expect(one).toMatchObject({ code: 'request_timeout' })
    }
    // Every place was given back.
    const again = await bodies.read(
      new Request('http://node.test', { method: 'POST', body: 'x' }),
      'a',
    )
    expect(again).toEqual(new TextEncoder().encode('x'))
  })

  test('N7 body_limit: a body of a stated length that does not come is given up with its connection', async () => {
    const bodies = createBodyReader({
      timeoutMs: 50,
      concurrent: 0,
      ofOneOwner: 0,
      ofStrangers: 1,
      maxBytes: 8,
    })
    const app = new Hono().post('/', async (c) => {
      try {
        return c.body(new Uint8Array(await bodies.read(c.req.raw)))
      } catch (error) {
        return c.text(String((error as { code?: string }).code), 400)
      }
    })
    const listener = await listen(app, 0, '127.0.0.1')
    const send = (text: string): Socket => {
      const socket = createConnection(listener.port, '127.0.0.1')
      socket.write(`POST / HTTP/1.1\r\nHost: node.test\r\n${text}`)
      return socket
    }
    const read = async (socket: Socket): Promise<string> => {
      let text = ''
      socket.on('data', (more) => (text += more.toString()))
      await once(socket, 'close')
      return text
    }
    const close = 'Connection: close\r\n'
    const late = read(send('Content-Length: 8\r\n\r\nhalf'))
    const tooMuch = read(send(`${close}Content-Length: 9\r\n\r\n123456789`))
    expect(await tooMuch).toContain('body_too_large')
    const chunks = `${close}Transfer-Encoding: chunked\r\n\r\n`
    expect(await late).toContain('request_timeout')
    expect(await read(send(`${chunks}9\r\n123456789\r\n0\r\n\r\n`))).toContain('body_too_large')
    // Both lengths at once are a smuggler's, and no request.
    const both = `${close}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(await read(send(`${both}9\r\n123456789\r\n0\r\n\r\n`))).toContain('400 Bad Request')
    // Its place was given back.
    expect(await read(send(`${close}Content-Length: 8\r\n\r\n12345678`))).toContain('12345678')
    await listener.close()
  })
})
