import { AUTHORIZATION_HEADER, isPromptPath, toBareHex } from '@jeju/verifier/protocol'
import { ENCAPSULATED_KEY_HEADER, RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'
import type { Context, MiddlewareHandler } from 'hono'
import { NodeError } from '../http/node-error.ts'
import type { BodyReader } from '../http/read-body.ts'
import type { Authorised, Authoriser } from '../payment/authorise.ts'
import type { ExchangeRecords } from '../records/exchange-records.ts'
import type { Unsealer } from '../sealing/unsealer.ts'
import { createExchange, type Exchange, type ExchangeWire } from './exchange.ts'
import { wireBody } from './wire-body.ts'

/** What the middleware adds to a request's context. */
export interface ExchangeVariables {
  readonly exchange: Exchange
}

/** Header that names the receipt of an answer before it is there. */
const RECEIPT_ID_HEADER = 'X-Receipt-Id'

/** Collaborators of {@link exchangeMiddleware}. */
export interface ExchangeParts {
  readonly unsealer: Unsealer
  readonly records: ExchangeRecords
  readonly bodies: BodyReader
  /** What the header of a request shows before its body is read. */
  readonly admit: Authoriser['admit']
  /** Whether prompts that are not sealed are taken. */
  readonly prompts: 'any' | 'sealed'
  /** @throws NodeError `not_ready` or `draining`, before a body is read */
  readonly assertServing: () => void
}

/**
 * Around every endpoint that takes a prompt, whatever it answers, an error too: opens a sealed body, seals the answer
 * to it, and keeps the record of what went over the wire. A sealed body on any other endpoint is opened and answered
 * sealed as well, so that no answer to one is ever plaintext (attacks E8, E12).
 */
export function exchangeMiddleware(parts: ExchangeParts): MiddlewareHandler {
  return async function exchange(c, next) {
    const { method, path, raw } = c.req
    const encapsulated = c.req.header(ENCAPSULATED_KEY_HEADER)
    const isPrompt = method === 'POST' && isPromptPath(path)
    if (encapsulated === undefined && !isPrompt) return next()
    if (encapsulated === undefined && parts.prompts === 'sealed') {
      throw new NodeError('sealing_required', 'body: this node takes sealed prompts only')
    }
    parts.assertServing()
    const admission = isPrompt ? await admit(parts, c.req.header(AUTHORIZATION_HEADER)) : undefined
    const sent = new Uint8Array(
      await parts.bodies.read(raw, admission?.authorised.signed.auth.channelId),
    )
    const unsealed =
      encapsulated === undefined ? undefined : await parts.unsealer.open(encapsulated, sent)
    const wire = createExchange(sent, unsealed, admission?.stillTrue())
    c.set('exchange', wire)
    // What answers a prompt takes its body from the exchange.
    if (!isPrompt) c.req.raw = opened(raw, wire.body)
    await next()
    if (c.error !== undefined) wire.startOver()
    answer(c, wire, parts.records)
  }
}

/** The exchange of a prompt, for what authorises and answers it. */
export function exchangeOf(c: Context): Exchange {
  const { exchange } = c.var as Partial<ExchangeVariables>
  if (exchange === undefined) throw new Error('a prompt outside the exchange middleware')
  return exchange
}

function answer(c: Context, wire: ExchangeWire, records: ExchangeRecords): void {
  const { res: response, req } = c
  const { receiptId, sealer } = wire
  if (receiptId === undefined && sealer === undefined) return
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  if (sealer !== undefined) headers.set(RESPONSE_NONCE_HEADER, toBareHex(sealer.nonce))
  if (receiptId !== undefined) headers.set(RECEIPT_ID_HEADER, receiptId)
  const record =
    receiptId === undefined
      ? undefined
      : records.begin({
          receiptId,
          credential: req.header(AUTHORIZATION_HEADER) ?? '',
          method: req.method,
          endpoint: req.path,
          wire,
        })
  const body = wireBody(response.body, wire, record)
  c.res = undefined
  c.res = new Response(body, { status: response.status, headers })
}

/** What a channel was said to hold is not believed any longer, milliseconds. */
const MAX_ADMISSION_MS = 5_000

/** Whose request it is; whoever is refused is told when his body was read, sealed where that was. */
async function admit(
  { admit: read }: ExchangeParts,
  header: string | undefined,
): Promise<
  { readonly authorised: Authorised; readonly stillTrue: () => Authorised | undefined } | undefined
> {
  try {
    const authorised = await read(header)
    const startedMs = performance.now()
    return {
      authorised,
      stillTrue: () => (performance.now() - startedMs < MAX_ADMISSION_MS ? authorised : undefined),
    }
  } catch (error) {
    if (error instanceof NodeError) return undefined
    throw error
  }
}

/** The request as it was before it was sealed. */
function opened({ url, method, headers, signal }: Request, body: Uint8Array<ArrayBuffer>): Request {
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: withoutSealing(headers),
    signal,
    ...(hasBody ? { body } : {}),
  })
}

function withoutSealing(headers: Headers): Headers {
  const plain = new Headers(headers)
  plain.delete(ENCAPSULATED_KEY_HEADER)
  plain.delete('content-length')
  plain.delete('transfer-encoding')
  return plain
}
