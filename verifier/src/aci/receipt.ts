import { canonicalJson, type JsonValue } from '../protocol/canonical-json.ts'
import type { AciDocument } from '../protocol/dialects/aci-receipt.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asArray, asInteger, asObject, asString } from '../protocol/shape.ts'
import { asTextOrNull, parseForeignJson } from '../dialect/foreign-json.ts'

/** One event of an ACI receipt; what a type means is asked where it is known. */
export interface AciEvent {
  readonly type: string
  readonly members: Readonly<Record<string, unknown>>
}

/** An ACI receipt, read and not yet judged. */
export interface AciReceipt {
  /** Every member it had, for the signature. */
  readonly document: AciDocument
  readonly apiVersion: string
  readonly receiptId: string
  readonly chatId: string | null
  readonly model: string | null
  readonly keysetDigest: string
  readonly endpoint: string
  readonly method: string
  /** Unix seconds; the service's own word. */
  readonly servedAt: number
  readonly events: readonly AciEvent[]
  readonly keyId: string
  readonly signature: string
}

const MAX_EVENTS = 256

/** Reads an ACI receipt in any JSON encoding (ACI, receipts). @throws ProtocolError */
export function parseAciReceipt(text: string): AciReceipt {
  const receipt = asObject(parseForeignJson(text, 'receipt'), 'receipt')
  const word = (name: string): string => asString(receipt[name], `receipt.${name}`, 512)
  // Refuses what has no canonical form, so that signing bytes exist.
  canonicalJson(receipt as JsonValue)
  return {
    document: receipt as AciDocument,
    apiVersion: word('api_version'),
    receiptId: word('receipt_id'),
    chatId: asTextOrNull(receipt['chat_id'], 'receipt.chat_id', 512),
    model: asTextOrNull(receipt['model'], 'receipt.model', 512),
    keysetDigest: word('workload_keyset_digest'),
    endpoint: word('endpoint'),
    method: word('method'),
    servedAt: asInteger(receipt['served_at'], 'receipt.served_at', { min: 0, max: 2 ** 40 }),
    events: asArray(receipt['event_log'], 'receipt.event_log', MAX_EVENTS).map((event) => {
      const members = asObject(event, 'receipt.event_log[]')
      return { type: asString(members['type'], 'receipt.event_log[].type', 128), members }
    }),
    keyId: word('key_id'),
    signature: word('signature'),
  }
}

/** The one event of a type. @throws ProtocolError `INPUT_FIELD` when there are two */
export function onlyEvent({ events }: AciReceipt, type: string): AciEvent | undefined {
  const found = events.filter((event) => event.type === type)
  if (found.length > 1) {
    throw new ProtocolError('INPUT_FIELD', `receipt.event_log: ${type} more than once`)
  }
  return found[0]
}
