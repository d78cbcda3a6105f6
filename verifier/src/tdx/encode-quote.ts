import { concatBytes } from '../bytes/bytes.ts'
import type { Quote } from './quote.ts'

const CERT_TYPE_QE_REPORT = 6
const CERT_TYPE_PCK_CHAIN_PEM = 5

/** Bytes of a quote (A.3), without padding: what {@link parseQuote} reads, and from what it read the same bytes. */
export function encodeQuote({ signedBytes, signature }: Quote): Uint8Array<ArrayBuffer> {
  const certification = concatBytes(
    signature.qeReport.raw,
    signature.qeReportSignature,
    uint16(signature.qeAuthData.length),
    signature.qeAuthData,
    uint16(CERT_TYPE_PCK_CHAIN_PEM),
    uint32(signature.pckChainPem.length),
    signature.pckChainPem,
  )
  const authData = concatBytes(
    signature.quoteSignature,
    signature.attestationKey,
    uint16(CERT_TYPE_QE_REPORT),
    uint32(certification.length),
    certification,
  )
  return concatBytes(signedBytes, uint32(authData.length), authData)
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8)
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
}
