import { utf8 } from '../bytes/bytes.ts'
import { canonicalJson, parseCanonicalJson, type JsonValue } from './canonical-json.ts'
import { encodeComputeReceipt, readComputeReceipt, type ComputeReceipt } from './compute-receipt.ts'
import type { StreamKind } from './prompt-endpoints.ts'
import { asArray, asInteger, asOneOf, asString, exactObject } from './shape.ts'

/** First bytes of a receipt frame. An answer's own text cannot hold them: it stands inside JSON strings. */
export const RECEIPT_FRAME_START = 'event: receipt\n'

/** The last frame of a stream of chunks. */
export const DONE_FRAME = 'data: [DONE]\n\n'

/** What follows the receipt frame. */
export const STREAM_END: Readonly<Record<StreamKind, string>> = {
  chat: DONE_FRAME,
  completion: DONE_FRAME,
  responses: '',
  messages: '',
}

/** `object` of a chunk that carries a receipt; other streams carry it in an event of its own. */
const CHUNK_OBJECTS: Readonly<Record<StreamKind, string | undefined>> = {
  chat: 'chat.completion.chunk',
  completion: 'text_completion',
  responses: undefined,
  messages: undefined,
}

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
  kind: StreamKind = 'chat',
): Uint8Array<ArrayBuffer> {
  const object = CHUNK_OBJECTS[kind]
  const document: JsonValue = JSON.parse(encodeComputeReceipt(receipt))
  const data =
    object === undefined
      ? canonicalJson({ receipt: document, type: 'receipt' })
      : canonicalJson({
          choices: [],
          created: chunk.created,
          id: chunk.id,
          model: chunk.model,
          object,
          receipt: document,
        })
  return utf8(`${RECEIPT_FRAME_START}data: ${data}\n\n`)
}

/**
 * Reads the text of a receipt frame, without its delimiter. The receipt does not cover this frame, so nothing in it
 * may be taken for an answer: no choices, and no model but the signed one. Throws a ProtocolError.
 */
export function parseReceiptFrame(frame: string, kind: StreamKind = 'chat'): ComputeReceipt {
  const data = frame.slice(RECEIPT_FRAME_START.length)
  const text = data.startsWith('data: ') ? data.slice('data: '.length) : ''
  const place = 'receipt frame'
  const value = parseCanonicalJson(text, place)
  const object = CHUNK_OBJECTS[kind]
  if (object === undefined) {
    const event = exactObject(value, place, ['receipt', 'type'])
    asOneOf(event['type'], `${place}.type`, ['receipt'])
    return readComputeReceipt(event['receipt'])
  }
  const chunk = exactObject(value, place, [
    'choices',
    'created',
    'id',
    'model',
    'object',
    'receipt',
  ])
  asArray(chunk['choices'], `${place}.choices`, 0)
  asOneOf(chunk['object'], `${place}.object`, [object])
  asString(chunk['id'], `${place}.id`, 256)
  asInteger(chunk['created'], `${place}.created`, { min: 0, max: 2 ** 40 })
  const receipt = readComputeReceipt(chunk['receipt'])
  asOneOf(chunk['model'], `${place}.model`, [receipt.model])
  return receipt
}
