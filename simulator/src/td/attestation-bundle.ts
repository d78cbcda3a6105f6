import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import type { LogEvent } from './event-log.ts'

/** What dstack's versioned attestation bundles carry. */
export interface AttestationContent {
  readonly quote: Uint8Array
  readonly events: readonly LogEvent[]
  readonly reportData: Uint8Array
  readonly config: string
}

/** Version 0, SCALE (dstack 0.5 `Attest`). */
export function encodeAttestationV0(content: AttestationContent): Uint8Array<ArrayBuffer> {
  const runtime = content.events.filter(({ imr }) => imr === 3)
  return concatBytes(
    Uint8Array.of(0, 0), // version, DstackTdx
    scaleBytes(content.quote),
    scaleList(
      content.events.map((event) =>
        concatBytes(
          uint32le(event.imr),
          uint32le(event.eventType),
          scaleBytes(event.digest),
          scaleBytes(utf8(event.name)),
          scaleBytes(event.payload),
        ),
      ),
    ),
    scaleList(
      runtime.map(({ name, payload }) => concatBytes(scaleBytes(utf8(name)), scaleBytes(payload))),
    ),
    content.reportData,
    scaleBytes(utf8(content.config)),
  )
}

function scaleBytes(bytes: Uint8Array): Uint8Array {
  return concatBytes(scaleCompact(bytes.length), bytes)
}

function scaleList(items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(scaleCompact(items.length), ...items)
}

function scaleCompact(value: number): Uint8Array {
  if (value < 2 ** 6) return Uint8Array.of(value << 2)
  if (value < 2 ** 14) return Uint8Array.of(((value << 2) | 1) & 0xff, value >> 6)
  if (value < 2 ** 30) return uint32le(value * 4 + 2)
  throw new RangeError(`length ${value} is out of range`)
}

function uint32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** Version 1, MessagePack (dstack 0.6 `/v1/Attest`). Quote and report data are arrays of integers. */
export function encodeAttestationV1(content: AttestationContent): Uint8Array<ArrayBuffer> {
  const event = (entry: LogEvent): Packable => ({
    imr: entry.imr,
    event_type: entry.eventType,
    digest: entry.digest,
    event: entry.name,
    event_payload: entry.payload,
  })
  const runtime = content.events.filter(({ imr }) => imr === 3)
  return pack({
    version: 1,
    platform: {
      kind: 'tdx',
      data: { quote: [...content.quote], event_log: content.events.map(event) },
    },
    stack: {
      kind: 'dstack',
      data: {
        report_data: [...content.reportData],
        runtime_events: runtime.map(({ name, payload }) => ({ event: name, payload })),
        config: content.config,
      },
    },
  })
}

type Packable =
  number | string | Uint8Array | readonly Packable[] | { readonly [name: string]: Packable }

function pack(value: Packable): Uint8Array<ArrayBuffer> {
  if (typeof value === 'number') return packInteger(value)
  if (typeof value === 'string') {
    const bytes = utf8(value)
    return concatBytes(head(bytes.length, [0xa0, 32], [0xd9, 0xda, 0xdb]), bytes)
  }
  if (value instanceof Uint8Array) {
    return concatBytes(head(value.length, undefined, [0xc4, 0xc5, 0xc6]), value)
  }
  if (Array.isArray(value)) {
    const items: readonly Packable[] = value
    return concatBytes(head(items.length, [0x90, 16], [undefined, 0xdc, 0xdd]), ...items.map(pack))
  }
  const members = Object.entries(value)
  return concatBytes(
    head(members.length, [0x80, 16], [undefined, 0xde, 0xdf]),
    ...members.flatMap(([name, member]) => [pack(name), pack(member)]),
  )
}

function packInteger(value: number): Uint8Array<ArrayBuffer> {
  if (value < 0x80) return Uint8Array.of(value)
  return head(value, undefined, [0xcc, 0xcd, 0xce])
}

/** A length or integer in its shortest MessagePack form: inside the tag byte, or in 1, 2 or 4 bytes behind one. */
function head(
  value: number,
  inTag: readonly [tag: number, limit: number] | undefined,
  [one, two, four]: readonly [number | undefined, number, number],
): Uint8Array<ArrayBuffer> {
  if (inTag !== undefined && value < inTag[1]) return Uint8Array.of(inTag[0] | value)
  if (one !== undefined && value < 0x100) return Uint8Array.of(one, value)
  if (value < 0x10000) return Uint8Array.of(two, value >> 8, value & 0xff)
  const bytes = new Uint8Array(5)
  bytes[0] = four
  new DataView(bytes.buffer).setUint32(1, value)
  return bytes
}
