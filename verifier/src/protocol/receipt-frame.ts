import { utf8 } from '../bytes/bytes.ts'
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts'
import { encodeComputeReceipt, readComputeReceipt, type ComputeReceipt } from './compute-receipt.ts'
import { asArray, asInteger, asOneOf, asString, exactObject } from './shape.ts'

/** First bytes of a receipt frame. An answer's own text cannot hold them: it stands inside JSON strings. */
export const RECEIPT_FRAME_START = 'event: receipt\n'

/** The last frame of a stream. */
export const DONE_FRAME = 'data: [DONE]\n\n'

const CHUNK_OBJECT = 'chat.completion.chunk'

/** The chunk a receipt travels in, so that clients which know nothing of receipts see an empty chunk. */
export interface ReceiptChunk {
  readonly id: string
  readonly model: string
  /** Unix seconds. */
  readonly created: number
}

/** `event: receipt` frame of docs/protocol.md §6, delimiter included. */
export function receiptFrame(
  receipt: ComputeReceipt,
  chunk: ReceiptChunk,
): Uint8Array<ArrayBuffer> {
  const data = canonicalJson({
    choices: [],
    created: chunk.created,
    id: chunk.id,
    model: chunk.model,
    object: CHUNK_OBJECT,
    receipt: JSON.parse(encodeComputeReceipt(receipt)),
  })
  return utf8(`${RECEIPT_FRAME_START}data: ${data}\n\n`)
}

/**
 * Reads the text of a receipt frame, without its delimiter. The receipt does not cover this frame, so nothing in it
 * may be taken for an answer: no choices, and no model but the signed one. Throws a ProtocolError.
 */
export function parseReceiptFrame(frame: string): ComputeReceipt {
  const data = frame.slice(RECEIPT_FRAME_START.length)
  const text = data.startsWith('data: ') ? data.slice('data: '.length) : ''
  const chunk = exactObject(parseCanonicalJson(text, 'receipt frame'), 'receipt frame', [
    'choices',
    'created',
    'id',
    'model',
    'object',
    'receipt',
  ])
  asArray(chunk['choices'], 'receipt frame.choices', 0)
  asOneOf(chunk['object'], 'receipt frame.object', [CHUNK_OBJECT])
  asString(chunk['id'], 'receipt frame.id', 256)
  asInteger(chunk['created'], 'receipt frame.created', { min: 0, max: 2 ** 40 })
  const receipt = readComputeReceipt(chunk['receipt'])
  asOneOf(chunk['model'], 'receipt frame.model', [receipt.model])
  return receipt
}
