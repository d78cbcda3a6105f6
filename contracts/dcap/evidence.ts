import { concatBytes, keccak256 } from '@jeju/verifier/protocol'
import type { Certificate } from './certificate.ts'
import type { ChainQuote } from './quote.ts'

/** What says which workload runs on a listed image; `IMeasurementPolicy.WorkloadPin`. */
export const WORKLOAD_PINS = ['none', 'compose-hash', 'rtmr3'] as const

/** One of {@link WORKLOAD_PINS}. */
export type WorkloadPin = (typeof WORKLOAD_PINS)[number]

const WHOLE_QUOTE = 1
const CACHED_KEY = 2
const KEY_BYTES = 64

/**
 * Evidence in the form of TdxAttestationVerifier (docs/protocol.md §1): the quote up to its attestation key where the chain
 * knows that key, and else with everything that proves it.
 */
export function packEvidence(
  quote: ChainQuote,
  leaf: Certificate,
  pin: WorkloadPin,
  gpuEvidenceDigest: Uint8Array,
  isKeyCached: boolean,
): Uint8Array<ArrayBuffer> {
  const marks = (format: number): Uint8Array =>
    concatBytes(Uint8Array.of(format, WORKLOAD_PINS.indexOf(pin)), gpuEvidenceDigest)
  return isKeyCached
    ? concatBytes(marks(CACHED_KEY), keyHashOf(leaf), quote.report)
    : concatBytes(marks(WHOLE_QUOTE), leaf.x, leaf.y, quote.trimmed)
}

/** keccak256(x ‖ y), by which the chain knows a platform's key. */
export function keyHashOf({ x, y }: Certificate): Uint8Array {
  return keccak256(concatBytes(x, y))
}

/** The same of the key that signed the report, which ends with it. */
export function attestationKeyHashOf({ report }: ChainQuote): Uint8Array {
  return keccak256(report.subarray(-KEY_BYTES))
}
