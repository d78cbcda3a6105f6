import { Readable } from 'node:stream'
import {
  EVIDENCE_MEDIA_TYPE,
  parseNonce,
  parseVoucher,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'
import type {
  ProviderAnswer,
  ProviderConnection,
  ProviderRequest,
} from '../../../gateway/src/admission/provider-connection.ts'
import { jsonAnswer } from './signed-answer.ts'
import type { TestNode } from './test-node.ts'

/** What answers at an endpoint. */
export type Responder = (request: ProviderRequest) => ProviderAnswer | Promise<ProviderAnswer>

/** Endpoints in memory; remembers what was sent to each. */
export class TestConnection implements ProviderConnection {
  readonly sent: { readonly endpoint: string; readonly request: ProviderRequest }[] = []
  readonly #responders = new Map<string, Responder>()

  at(endpoint: string, responder: Responder): void {
    this.#responders.set(endpoint, responder)
  }

  async send(endpoint: string, request: ProviderRequest): Promise<ProviderAnswer> {
    this.sent.push({ endpoint, request })
    const responder = this.#responders.get(endpoint)
    if (responder === undefined) throw new Error('ECONNREFUSED')
    return responder(request)
  }

  async close(): Promise<void> {}

  /** Requests that carried a prompt. */
  get prompts(): readonly ProviderRequest[] {
    return this.#posted().filter(({ path }) => path !== VOUCHER_PATH)
  }

  /** Vouchers that paid no request. */
  get vouchers(): readonly ProviderRequest[] {
    return this.#posted().filter(({ path }) => path === VOUCHER_PATH)
  }

  #posted(): readonly ProviderRequest[] {
    return this.sent.map(({ request }) => request).filter(({ method }) => method === 'POST')
  }
}

const VOUCHER_PATH = '/v1/voucher'

/** An answer of these chunks. */
export function answer(
  chunks: readonly Uint8Array[],
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): ProviderAnswer {
  const body = Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  )
  return { status, headers, body }
}

/** Serves evidence for whatever nonce is asked for, and this for prompts: a signed answer unless told otherwise. */
export function honest(
  node: TestNode,
  completion: Responder = (request) => jsonAnswer(node, request, '{}'),
): Responder {
  return async (request) => {
    if (request.method === 'GET') return evidenceAnswer(await node.evidence(nonceOf(request)))
    return request.path === VOUCHER_PATH ? voucherAnswer(request) : completion(request)
  }
}

/** Of a node that counts as its client does. */
function voucherAnswer({ body = new Uint8Array() }: ProviderRequest): ProviderAnswer {
  const { channelId, cumulative } = parseVoucher(Buffer.from(body).toString())
  return answer([utf8(JSON.stringify({ channelId, charged: cumulative.toString() }))])
}

/** Serves evidence, and to prompts says nothing until it is left. */
export function silent(node: TestNode): Responder {
  return honest(
    node,
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  )
}

export function evidenceAnswer(bytes: Uint8Array): ProviderAnswer {
  return answer([bytes], { 'content-type': EVIDENCE_MEDIA_TYPE })
}

/** The nonce an evidence request asks for. */
export function nonceOf(request: ProviderRequest): Hex {
  return parseNonce(new URL(request.path, 'https://node.test').searchParams.get('nonce') ?? '')
}
