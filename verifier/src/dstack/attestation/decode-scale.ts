import { VerifierError } from '../../errors.ts'
import { MAX_EVENTS } from '../log-event.ts'
import { REPORT_DATA_BYTES, type DstackAttestation } from './attestation.ts'
import { attestationInvalid, ByteSource } from './byte-source.ts'
import { ScaleReader } from './scale-reader.ts'

/** Variant of a bundle by dstack on TDX; the others are of other platforms. */
const DSTACK_TDX = 0

/** Reads a version 0 bundle (SCALE; dstack 0.5 `Attest`). Its events have no version field: they are of version 1. */
export function decodeAttestationV0(input: Uint8Array): DstackAttestation {
  const source = new ByteSource(input)
  if (source.byte('version') !== 0) throw attestationInvalid('version', 'expected 0')
  const variant = source.byte('variant')
  if (variant !== DSTACK_TDX) {
    throw new VerifierError(
      'ATTESTATION_UNSUPPORTED',
      `attestation.variant: expected ${DSTACK_TDX} (dstack on TDX), got ${variant}`,
    )
  }
  const reader = new ScaleReader(source)
  const attestation = {
    version: 0,
    quote: reader.bytes('quote'),
    eventLog: reader.list('event_log', MAX_EVENTS, (place) => ({
      imr: reader.uint32(`${place}.imr`),
      eventType: reader.uint32(`${place}.event_type`),
      digest: reader.bytes(`${place}.digest`),
      name: reader.text(`${place}.event`),
      payload: reader.bytes(`${place}.event_payload`),
      version: 1,
      preimage: undefined,
    })),
    runtimeEvents: reader.list('runtime_events', MAX_EVENTS, (place) => ({
      name: reader.text(`${place}.event`),
      payload: reader.bytes(`${place}.payload`),
      version: 1 as const,
    })),
    reportData: source.bytes(REPORT_DATA_BYTES, 'report_data'),
    config: reader.text('config'),
  } as const
  source.end()
  return attestation
}
