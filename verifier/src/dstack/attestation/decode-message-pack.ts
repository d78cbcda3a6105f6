import { fromBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { MAX_EVENTS, type LogEvent } from '../log-event.ts'
import { quoted } from '../quoted.ts'
import type { RuntimeEvent } from '../runtime-events.ts'
import { REPORT_DATA_BYTES, type DstackAttestation } from './attestation.ts'
import { attestationInvalid, ByteSource } from './byte-source.ts'
import { MessagePackReader } from './message-pack-reader.ts'

/** Largest quote in a bundle: real ones have 5 KiB. */
export const MAX_BUNDLED_QUOTE_BYTES: number = 64 * 1024

/** Reads a version 1 bundle (MessagePack; dstack 0.6 `/v1/Attest`). */
export function decodeAttestationV1(input: Uint8Array): DstackAttestation {
  const source = new ByteSource(input)
  const reader = new MessagePackReader(source)
  const root = reader.map('')
  const version = reader.unsigned(root.member('version'))
  if (version !== 1) throw unsupported('version', '1', String(version))
  const platform = readPlatform(reader, root.member('platform'))
  const stack = readStack(reader, root.member('stack'))
  root.end()
  source.end()
  return { version: 1, ...platform, ...stack }
}

function readPlatform(
  reader: MessagePackReader,
  place: string,
): Pick<DstackAttestation, 'quote' | 'eventLog'> {
  const platform = reader.map(place)
  const kind = reader.text(platform.member('kind'))
  if (kind !== 'tdx') throw unsupported(`${place}.kind`, 'tdx', quoted(kind))
  const data = reader.map(platform.member('data'))
  const quote = reader.byteList(data.member('quote'), MAX_BUNDLED_QUOTE_BYTES)
  const eventLog = reader.list(data.member('event_log'), MAX_EVENTS, (at) => readEvent(reader, at))
  data.end()
  platform.end()
  return { quote, eventLog }
}

/** An event of digest version 1 may say so or not: releases of dstack differ. */
function readEvent(reader: MessagePackReader, place: string): LogEvent {
  const map = reader.map(place)
  const event = {
    imr: reader.unsigned(map.member('imr')),
    eventType: reader.unsigned(map.member('event_type')),
    digest: reader.binary(map.member('digest')),
    name: reader.text(map.member('event')),
    payload: reader.binary(map.member('event_payload')),
    version: map.next('version') ? reader.unsigned(`${place}.version`) : 1,
    preimage: map.next('preimage') ? hexText(reader, `${place}.preimage`) : undefined,
  }
  map.end()
  return event
}

/** dstack writes a pre-image as hex text, here too. */
function hexText(reader: MessagePackReader, place: string): Uint8Array {
  try {
    return fromBareHex(reader.text(place))
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw attestationInvalid(place, 'not hex')
  }
}

type Stack = Pick<
  DstackAttestation,
  'runtimeEvents' | 'reportData' | 'config' | 'reportDataPayload'
>

function readStack(reader: MessagePackReader, place: string): Stack {
  const stack = reader.map(place)
  const kind = reader.text(stack.member('kind'))
  if (kind !== 'dstack' && kind !== 'dstack-pod') {
    throw unsupported(`${place}.kind`, 'dstack or dstack-pod', quoted(kind))
  }
  const data = reader.map(stack.member('data'))
  const reportData = reader.byteList(data.member('report_data'), REPORT_DATA_BYTES)
  if (reportData.length !== REPORT_DATA_BYTES) {
    throw attestationInvalid(`${place}.data.report_data`, `expected ${REPORT_DATA_BYTES} bytes`)
  }
  const runtimeEvents = reader.list(data.member('runtime_events'), MAX_EVENTS, (at) =>
    readRuntimeEvent(reader, at),
  )
  const config = reader.text(data.member('config'))
  const pod =
    kind === 'dstack-pod'
      ? { reportDataPayload: reader.text(data.member('report_data_payload')) }
      : {}
  data.end()
  stack.end()
  return { reportData, runtimeEvents, config, ...pod }
}

function readRuntimeEvent(reader: MessagePackReader, place: string): RuntimeEvent {
  const map = reader.map(place)
  const name = reader.text(map.member('event'))
  const payload = reader.binary(map.member('payload'))
  const version = map.next('version') ? reader.unsigned(`${place}.version`) : 1
  if (version !== 1 && version !== 2) throw unsupported(`${place}.version`, '1 or 2', `${version}`)
  map.end()
  return { name, payload, version }
}

function unsupported(place: string, expected: string, actual: string): VerifierError {
  return new VerifierError(
    'ATTESTATION_UNSUPPORTED',
    `attestation.${place}: expected ${expected}, got ${actual}`,
  )
}
