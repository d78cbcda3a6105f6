import { concatBytes } from '@jeju/verifier/protocol'
import type { Certificate } from './certificate.ts'
import type { ChainQuote } from './quote.ts'

/** What says which workload runs on a listed image; `IMeasurementPolicy.WorkloadPin`. */
export const WORKLOAD_PINS = ['none', 'compose-hash', 'rtmr3'] as const

/** One of {@link WORKLOAD_PINS}. */
export type WorkloadPin = (typeof WORKLOAD_PINS)[number]

const FORMAT = 1

/** Evidence in the form of TdxAttestationVerifier (docs/protocol.md §1). */
export function packEvidence(
  quote: ChainQuote,
  leaf: Certificate,
  pin: WorkloadPin,
  gpuEvidenceDigest: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const head = Uint8Array.of(FORMAT, WORKLOAD_PINS.indexOf(pin))
  return concatBytes(head, gpuEvidenceDigest, leaf.x, leaf.y, quote.trimmed)
}
