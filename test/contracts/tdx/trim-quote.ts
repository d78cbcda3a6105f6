import { equalBytes } from '../../../verifier/src/bytes/bytes.ts'

/** Where the signature data of a quote begins, by version and body type. */
const SIGNATURE_V4 = 636
const SIGNATURE_V5_TD10 = 642
const SIGNATURE_V5_TD15 = 706
const AUTH_LENGTH = 582
const AUTH_DATA = 584

/** A quote as the chain takes it: cut just before the inner certification data. Garbage stays garbage. */
export function trimQuote(quote: Uint8Array): Uint8Array {
  const signature = signatureOf(quote)
  if (quote.length < signature + AUTH_DATA) return quote
  const at = signature + AUTH_LENGTH
  const authLength = (quote[at] ?? 0) | ((quote[at + 1] ?? 0) << 8)
  return quote.slice(0, signature + AUTH_DATA + authLength)
}

function signatureOf(quote: Uint8Array): number {
  if (quote[0] !== 5) return SIGNATURE_V4
  const isTd15 = equalBytes(quote.subarray(48, 50), Uint8Array.of(3, 0))
  return isTd15 ? SIGNATURE_V5_TD15 : SIGNATURE_V5_TD10
}
