import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PcsServer } from '@jeju/simulator'

/** What an honest service would send. */
export interface HonestAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Buffer
}

/** Another answer, or one that the twist writes itself. */
export type Twist = (honest: HonestAnswer, response: ServerResponse) => HonestAnswer | undefined

/** A service that twists the answers of an honest one, for addresses that contain a text. */
export interface TwistedPcs extends PcsServer {
  /** Addresses asked for so far, with their queries. */
  readonly asked: string[]
  twist(part: string, twist: Twist): void
  /** Honest from now on. */
  untwist(): void
}

const HEADERS = [
  'content-type',
  'TCB-Info-Issuer-Chain',
  'SGX-Enclave-Identity-Issuer-Chain',
  'SGX-PCK-CRL-Issuer-Chain',
  'TCB-Evaluation-Data-Numbers-Issuer-Chain',
]

/** Serves on loopback in front of the honest service. */
export async function serveTwisted(honest: PcsServer): Promise<TwistedPcs> {
  const asked: string[] = []
  let twists: readonly { readonly part: string; readonly twist: Twist }[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    asked.push(path)
    void answerOf(`${honest.url}${path}`).then((answer) => {
      const { twist } = twists.find(({ part }) => path.includes(part)) ?? {}
      const sent = twist === undefined ? answer : twist(answer, response)
      if (sent === undefined) return
      response.writeHead(sent.status, { ...sent.headers, 'Content-Length': sent.body.length })
      response.end(sent.body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const closed = once(server, 'close')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    twist: (part, twist) => {
      twists = [...twists, { part, twist }]
    },
    untwist: () => {
      twists = []
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answerOf(url: string): Promise<HonestAnswer> {
  const response = await fetch(url)
  const headers = HEADERS.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  return {
    status: response.status,
    headers: Object.fromEntries(headers),
    body: Buffer.from(await response.arrayBuffer()),
  }
}

/** The same answer with another text as body. */
export function withBody(change: (text: string) => string | Uint8Array): Twist {
  return (honest) => ({ ...honest, body: Buffer.from(change(honest.body.toString())) })
}

/** The same answer with another header; `undefined` takes it away. */
export function withHeader(
  name: string,
  change: (value: string) => string | string[] | undefined,
): Twist {
  return (honest) => {
    const { [name]: value, ...others } = honest.headers
    const changed = change(String(value))
    return { ...honest, headers: changed === undefined ? others : { ...others, [name]: changed } }
  }
}
