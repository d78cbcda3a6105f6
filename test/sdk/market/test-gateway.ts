import { createServer } from 'node:http'
import { once } from 'node:events'
import { parseAuthorization, type Hex } from '@jeju/verifier/protocol'
import type { TestChain } from './test-chain.ts'
import { refusal, type TestNode, type WireAnswer } from './test-node.ts'

/** What the gateway was asked; the authorisation is of a chat. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A gateway in memory, and every way in which one can lie. */
export class TestGateway {
  readonly nodes: TestNode[]
  readonly chain: TestChain
  readonly seen: SeenRequest[] = []
  /** Whom `GET /v1/providers` names; the nodes unless set. */
  hints: unknown
  /** What `GET /v1/route` answers, of a header of preferences; every node in order unless set. */
  route: (model: string, routing: string | null) => WireAnswer = () =>
    routeTo(this.nodes.map(({ agentId }) => agentId))
  changeEvidence: (
    evidence: Uint8Array,
    node: TestNode,
    nonce: Hex,
  ) => Promise<Uint8Array> | Uint8Array
  changeAnswer: (answer: WireAnswer, node: TestNode, request: SeenRequest) => WireAnswer

  constructor(chain: TestChain, nodes: readonly TestNode[]) {
    this.chain = chain
    this.nodes = [...nodes]
    this.changeEvidence = (evidence) => evidence
    this.changeAnswer = (answer) => answer
  }

  /** Prompts that reached it. */
  get chats(): readonly SeenRequest[] {
    return this.seen.filter(({ method }) => method === 'POST')
  }

  /** What the SDK uses instead of the platform's fetch. */
  readonly transport: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const answer = await this.answer({
      method: request.method,
      path: request.url.replace(/^https?:\/\/[^/]+/, ''),
      headers: request.headers,
      body: new Uint8Array(await request.arrayBuffer()),
    })
    const chunks = [...answer.chunks]
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
    })
    return new Response(body, { status: answer.status, headers: answer.headers })
  }

  async answer(request: SeenRequest): Promise<WireAnswer> {
    this.seen.push(request)
    const { method, path } = request
    if (path === '/v1/providers') return json({ providers: this.hints ?? this.#listed() })
    const [, model] = /^\/v1\/route\?model=(.+)$/.exec(path) ?? []
    if (model !== undefined) {
      return this.route(decodeURIComponent(model), request.headers.get('compute-routing'))
    }
    if (path === '/v1/models') return json({ object: 'list', data: [] })
    const [, agentId, nonce, , named] =
      /^\/v1\/providers\/(\d+)\/attestation\?nonce=([0-9a-f]{64})(&binding_id=(0x[0-9a-f]{64}))?$/.exec(
        path,
      ) ?? []
    if (agentId !== undefined && nonce !== undefined) {
      return this.#attest(BigInt(agentId), `0x${nonce}`, named)
    }
    if (method !== 'POST' || path !== '/v1/chat/completions') return refusal(404, 'not_found')
    return this.#chat(request)
  }

  #listed(): object[] {
    return this.nodes.map(({ agentId }) => ({ agentId: agentId.toString(), admitted: true }))
  }

  async #attest(agentId: bigint, nonce: Hex, named: string | undefined): Promise<WireAnswer> {
    const own = this.nodes.filter((candidate) => candidate.agentId === agentId)
    const node = own.find(({ bindingId }) => named === undefined || bindingId === named)
    if (node === undefined) return refusal(own.length > 0 ? 503 : 404, 'provider_not_admitted')
    const evidence = await this.changeEvidence(await node.evidence(nonce), node, nonce)
    const headers = { 'content-type': 'application/jeju-evidence+cbor' }
    return { status: 200, headers, chunks: [evidence] }
  }

  async #chat(request: SeenRequest): Promise<WireAnswer> {
    const header = request.headers.get('compute-authorization')
    if (header === null) return refusal(401, 'authorization_missing')
    const { bindingId } = parseAuthorization(header).auth
    const node = this.nodes.find((candidate) => candidate.bindingId === bindingId)
    if (node === undefined) return refusal(503, 'provider_not_admitted')
    const answer = await node.completeSealed(request.body, request.headers, this.chain)
    return this.changeAnswer(answer, node, request)
  }
}

/** A gateway on a real socket. `cutAfter` ends the connection after so many bytes of a chat's body. */
export async function serveGateway(
  gateway: TestGateway,
  options: { cutAfter?: number } = {},
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '' } = request
      const headers = new Headers()
      for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value))
      const body = new Uint8Array(Buffer.concat(parts))
      void gateway.answer({ method, path: url, headers, body }).then((answer) => {
        response.writeHead(answer.status, answer.headers)
        if (method === 'POST' && options.cutAfter !== undefined) {
          const bytes = Buffer.concat(answer.chunks).subarray(0, options.cutAfter)
          response.write(bytes, () => response.destroy())
          return
        }
        for (const chunk of answer.chunks) response.write(chunk)
        response.end()
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A list of `GET /v1/route`. */
export function routeTo(agentIds: readonly bigint[]): WireAnswer {
  return json({ object: 'list', data: agentIds.map((id) => ({ agentId: id.toString() })) })
}

function json(value: object): WireAnswer {
  const chunks = [new TextEncoder().encode(JSON.stringify(value))]
  return { status: 200, headers: { 'content-type': 'application/json' }, chunks }
}
