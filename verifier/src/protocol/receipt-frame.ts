import { utf8 } from '../bytes/bytes.ts'
import { canonicalJson, parseCanonicalJson, type JsonValue } from './canonical-json.ts'
import {
  encodeComputeReceipt,
  parseComputeReceipt,
  quickReceipt,
  readComputeReceipt,
  type ComputeReceipt,
} from './compute-receipt.ts'
import type { StreamKind } from './prompt-endpoints.ts'
import { asArray, asInteger, asOneOf, asString, exactObject } from './shape.ts'

const CHUNK_START = 'event: receipt\n'
/** A comment: clients of APIs with named events refuse events they do not know, and skip comments. */
const COMMENT_START = ': receipt '

/** First bytes of a receipt frame. An answer's own text cannot hold them: it stands inside JSON strings. */
export const RECEIPT_FRAME_STARTS: Readonly<Record<StreamKind, string>> = {
  chat: CHUNK_START,
  completion: CHUNK_START,
  responses: COMMENT_START,
  messages: COMMENT_START,
}

/** Unix seconds. */
const MAX_CREATED = 2 ** 40

/** The last frame of a stream of chunks. */
export const DONE_FRAME = 'data: [DONE]\n\n'

/** What follows the receipt frame. */
export const STREAM_END: Readonly<Record<StreamKind, string>> = {
  chat: DONE_FRAME,
  completion: DONE_FRAME,
  responses: '',
  messages: '',
}

/** `object` of a chunk that carries a receipt; other streams carry it in a comment. */
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

/** The receipt frame of docs/protocol.md §6, delimiter included. */
export function receiptFrame(
  receipt: ComputeReceipt,
  chunk: ReceiptChunk,
  kind: StreamKind = 'chat',
): Uint8Array<ArrayBuffer> {
  const object = CHUNK_OBJECTS[kind]
  const document = encodeComputeReceipt(receipt)
  if (object === undefined) return utf8(`${COMMENT_START}${document}\n\n`)
  const value: JsonValue = JSON.parse(document)
  const data = canonicalJson({
    choices: [],
    created: chunk.created,
    id: chunk.id,
    model: chunk.model,
    object,
    receipt: value,
  })
  return utf8(`${CHUNK_START}data: ${data}\n\n`)
}

/** A receipt, and its canonical text. */
export interface FramedReceipt {
  readonly receipt: ComputeReceipt
  readonly text: string
}

/**
 * Reads the text of a receipt frame, without its delimiter. The receipt does not cover this frame, so nothing in it
 * may be taken for an answer: no choices, and no model but the signed one. Throws a ProtocolError.
 */
export function parseReceiptFrame(frame: string, kind: StreamKind = 'chat'): FramedReceipt {
  const place = 'receipt frame'
  const data = frame.slice(RECEIPT_FRAME_STARTS[kind].length)
  const object = CHUNK_OBJECTS[kind]
  if (object === undefined) return { receipt: parseComputeReceipt(data, place), text: data }
  const text = data.startsWith('data: ') ? data.slice('data: '.length) : ''
  const quick = quickChunk(text, object)
  if (quick !== undefined) return quick
  const chunk = exactObject(parseCanonicalJson(text, place), place, [
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
  asInteger(chunk['created'], `${place}.created`, { min: 0, max: MAX_CREATED })
  const receipt = readComputeReceipt(chunk['receipt'])
  asOneOf(chunk['model'], `${place}.model`, [receipt.model])
  return { receipt, text: encodeComputeReceipt(receipt) }
}

/** The canonical text of chunks whose names are of plain letters, but that `created` may be too large. */
const CHUNK_FORM =
  /^\{"choices":\[\],"created":(0|[1-9][0-9]{0,12}),"id":"[ !#-[\]-~]{0,256}","model":"([ !#-[\]-~]*)","object":"([a-z._]+)","receipt":(\{.+\})\}$/

/** What {@link parseReceiptFrame} reads of a chunk in that form; undefined of any other, which is judged there. */
function quickChunk(text: string, object: string): FramedReceipt | undefined {
  const [, created, model, stated, document = ''] = CHUNK_FORM.exec(text) ?? []
  if (stated !== object || Number(created) > MAX_CREATED) return undefined
  const receipt = quickReceipt(document)
  return receipt !== undefined && receipt.model === model ? { receipt, text: document } : undefined
}
