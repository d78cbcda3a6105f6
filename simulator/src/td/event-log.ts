import {
  concatBytes,
  RUNTIME_EVENT_TYPE,
  runtimeEventDigest,
  sha384,
  toBareHex,
  utf8,
} from '@jeju/verifier/protocol'

/** An entry of a TD's event log, as dstack's guest agent knows it. */
export interface LogEvent {
  readonly imr: number
  readonly eventType: number
  readonly digest: Uint8Array
  readonly name: string
  readonly payload: Uint8Array
}

/** The JSON member names of a served log. */
export interface ServedEvent {
  readonly imr: number
  readonly event_type: number
  readonly digest: string
  readonly event: string
  readonly event_payload: string
}

/** A runtime event of RTMR3. */
export function runtimeEvent(name: string, payload: Uint8Array): LogEvent {
  return {
    imr: 3,
    eventType: RUNTIME_EVENT_TYPE,
    digest: runtimeEventDigest(name, payload),
    name,
    payload,
  }
}

/** The register after these events. */
export function replay(events: readonly LogEvent[], imr: number): Uint8Array<ArrayBuffer> {
  return events
    .filter((event) => event.imr === imr)
    .reduce<Uint8Array<ArrayBuffer>>(
      (register, { digest }) => sha384(concatBytes(register, digest)),
      new Uint8Array(48),
    )
}

/** Types of the boot events of a dstack guest, in the order of its log; ACPI tables carry their marker. */
const BOOT_EVENTS: readonly (readonly [imr: number, type: number, payload: string])[] = [
  [0, 0x8000000b, 'td hob'],
  [0, 0x8000000a, 'cfv'],
  [0, 0x80000001, 'SecureBoot'],
  [0, 0x80000001, 'PK'],
  [0, 0x80000001, 'KEK'],
  [0, 0x80000001, 'db'],
  [0, 0x80000001, 'dbx'],
  [0, 0x4, 'separator'],
  [0, 0xa, 'ACPI DATA'],
  [0, 0xa, 'ACPI DATA'],
  [0, 0xa, 'ACPI DATA'],
  [1, 0x80000003, 'kernel'],
  [0, 0x80000002, 'BootOrder'],
  [0, 0x80000002, 'Boot0000'],
  [1, 0x80000007, 'Calling EFI Application from Boot Option'],
  [1, 0x4, 'separator'],
  [2, 0x6, 'LOADED_IMAGE::LoadOptions'],
  [2, 0x6, 'Linux initrd'],
  [1, 0x80000007, 'Exit Boot Services Invocation'],
  [1, 0x80000007, 'Exit Boot Services Returned with Success'],
]

/** The boot of a simulated OS image: made-up digests, the same for every TD of that image. */
export function bootEvents(image: string): readonly LogEvent[] {
  return BOOT_EVENTS.map(([imr, eventType, payload], index) => ({
    imr,
    eventType,
    digest: sha384(utf8(`${image}/${index}/${payload}`)),
    name: '',
    payload: utf8(payload),
  }))
}

/** The whole log, as `Info` serves it. */
export function servedLog(events: readonly LogEvent[]): readonly ServedEvent[] {
  return events.map((event) => ({
    imr: event.imr,
    event_type: event.eventType,
    digest: toBareHex(event.digest),
    event: event.name,
    event_payload: toBareHex(event.payload),
  }))
}

const ACPI_MARKER = toBareHex(utf8('ACPI DATA'))

/** The stripped log of `GetQuote` since 0.5.6: no boot payloads but the ACPI marker, no RTMR3 digests. */
export function strippedLog(events: readonly LogEvent[]): readonly ServedEvent[] {
  return servedLog(events).map((event) =>
    event.imr === 3
      ? { ...event, digest: '' }
      : { ...event, event_payload: event.event_payload === ACPI_MARKER ? ACPI_MARKER : '' },
  )
}
