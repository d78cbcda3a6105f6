import {
  authDigest,
  createResponseHasher,
  encodeComputeReceipt,
  parseAuthorization,
  receiptFrame,
  RECEIPT_HEADER,
  signComputeReceipt,
  STREAM_END,
  toBase64Url,
  utf8,
  type ComputeReceipt,
  type ComputeReceiptContent,
  type Receipt,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { Readable } from 'node:stream'
import type { ProviderAnswer } from '../../../gateway/src/admission/provider-connection.ts'
import { servingDomain } from './deployment.ts'
import type { TestNode } from './test-node.ts'

/** One moment for all: a request that is answered again, a second later too, has one receipt and not two. */
const ISSUED_AT = BigInt(Math.floor(Date.now() / 1000))

/** What of a request a receipt depends on. */
interface Authorised {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What a lying node signs instead. */
export interface Lie {
  readonly content?: Partial<ComputeReceiptContent>
  readonly receipt?: Partial<Receipt>
}

/** The receipt of a node over these bytes, signed with its real keys. */
export function receiptFor(
  node: TestNode,
  { headers }: Authorised,
  covered: Uint8Array,
  lie: Lie = {},
): ComputeReceipt {
  const { auth, salt } = parseAuthorization(String(headers['compute-authorization']))
  const hasher = createResponseHasher(salt)
  hasher.update(covered)
  const receipt: Receipt = {
    authHash: authDigest(auth, servingDomain),
    responseHash: hasher.digest(),
    inputTokens: 3,
    outputTokens: 1,
    finish: 0,
    issuedAt: ISSUED_AT,
    ...lie.receipt,
  }
  return signComputeReceipt(
    { ...node.receiptContent, ...lie.content, receipt },
    { ...node.receiptKeys, serving: servingDomain },
  )
}

/** Headers of a JSON answer. */
export function signedHeaders(
  node: TestNode,
  request: Authorised,
  body: Uint8Array,
  lie?: Lie,
): Readonly<Record<string, string>> {
  const receipt = receiptFor(node, request, body, lie)
  return {
    'content-type': 'application/json',
    [RECEIPT_HEADER]: toBase64Url(utf8(encodeComputeReceipt(receipt))),
  }
}

/** A JSON answer with its receipt. */
export function jsonAnswer(
  node: TestNode,
  request: Authorised,
  text: string,
  lie?: Lie,
): ProviderAnswer {
  const bytes = utf8(text)
  const body = Readable.from([Buffer.from(bytes)], { objectMode: false })
  return { status: 200, headers: signedHeaders(node, request, bytes, lie), body }
}

/** The end of a stream after these frames: receipt and terminator. */
export function streamEnd(
  node: TestNode,
  request: Authorised,
  frames: string,
  lie?: Lie,
  kind: StreamKind = 'chat',
): string {
  const receipt = receiptFor(node, request, utf8(frames), lie)
  const chunk = { id: 'chatcmpl-1', model: receipt.model, created: 1 }
  return `${Buffer.from(receiptFrame(receipt, chunk, kind)).toString('utf8')}${STREAM_END[kind]}`
}

/** A streamed answer: the frames, then the receipt over all of them. */
export function streamAnswer(
  node: TestNode,
  request: Authorised,
  frames: readonly string[],
  lie?: Lie,
): ProviderAnswer {
  const pieces = [...frames, streamEnd(node, request, frames.join(''), lie)]
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: Readable.from(
      pieces.map((piece) => Buffer.from(piece)),
      { objectMode: false },
    ),
  }
}
