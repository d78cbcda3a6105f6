import { concatBytes, sha256 } from '@jeju/verifier/protocol'
import { uint16, uint32 } from '../quote/little-endian.ts'
import { INTEL_QE_VENDOR_ID, QE_AUTH_DATA } from '../quote/quoting-enclave.ts'
import { forgeSignature, type ForgedSignature } from './forge-signature.ts'
import type { ForgeKey, ForgeKeys, KeyName } from './keys.ts'
import { encodeQeReport, USUAL_QE_REPORT, type QeReportFields } from './qe-report.ts'
import { encodeTdReportBody, usualTdReport, type TdReportBody } from './td-report.ts'

/** The layouts quotes come in: version 4, version 5 with a report of TDX 1.5, version 5 with one of TDX 1.0. */
export type QuoteLayout = 'v4' | 'v5' | 'v5-td10'

/** Fields of the header (A.3.1). */
export interface HeaderFields {
  readonly version: number
  readonly attestationKeyType: number
  readonly teeType: number
  /** 4 bytes at 8. */
  readonly reserved: Uint8Array
  readonly vendorId: Uint8Array
  readonly userData: Uint8Array
}

/** A part that states its length, and may state another. */
export interface Framing {
  readonly type?: number
  /** Stated length, of the true one. */
  readonly length?: (truth: number) => number
  /** Bytes behind the stated length, inside what holds this part. */
  readonly behind?: Uint8Array
}

/** What differs from a genuine quote. Everything above a changed part is signed again. */
export interface QuoteChange {
  readonly layout?: QuoteLayout
  readonly header?: Partial<HeaderFields>
  /** Version 5. */
  readonly descriptor?: { readonly type?: number; readonly size?: number }
  readonly body?: Partial<TdReportBody>
  /** Changes the encoded body, its length too. */
  readonly bodyBytes?: (body: Uint8Array) => Uint8Array
  /** Who signs header and body; its point stands in the quote. */
  readonly signedBy?: KeyName
  readonly quoteSignature?: ForgedSignature
  /** Another point than the signer's, and another one in the QE report than in the quote. */
  readonly attestationKey?: KeyName | Uint8Array
  readonly named?: KeyName
  readonly qeReport?: Partial<QeReportFields>
  readonly qeAuth?: Uint8Array
  /** What REPORTDATA hashes instead of attestation key ‖ auth data. */
  readonly bound?: (attestationKey: Uint8Array, qeAuth: Uint8Array) => Uint8Array
  readonly qeReportSignedBy?: KeyName
  readonly qeReportSignature?: ForgedSignature
  /** The auth data, the QE report certification in it, the QE auth data and the PCK chain in that. */
  readonly auth?: Framing
  readonly outer?: Framing
  readonly qeAuthFraming?: Framing
  readonly inner?: Framing
  readonly padding?: Uint8Array
  /** Changes the finished quote; nothing is signed again. */
  readonly bytes?: (quote: Uint8Array) => Uint8Array
}

const USUAL_HEADER: Omit<HeaderFields, 'version'> = {
  attestationKeyType: 2, // ECDSA P-256
  teeType: 0x81, // TDX
  reserved: new Uint8Array(4),
  vendorId: INTEL_QE_VENDOR_ID,
  userData: new Uint8Array(20),
}

/** Bytes of a quote with that PCK chain, whose leaf has that key. */
export function writeQuote(
  change: QuoteChange,
  pckChain: Uint8Array,
  leaf: ForgeKey,
  keys: ForgeKeys,
): Uint8Array {
  const signer = keys[change.signedBy ?? 'attestation']
  const signed = signedPart(change)
  const authData = concatBytes(
    forgeSignature(signer.pair, signed, change.quoteSignature),
    pointInQuote(change, keys),
    uint16(change.outer?.type ?? 6),
    framed(certification(change, pckChain, leaf, keys), uint32, change.outer),
  )
  const padding = change.padding ?? new Uint8Array(0)
  const quote = concatBytes(signed, framed(authData, uint32, change.auth), padding)
  return change.bytes?.(quote) ?? quote
}

/** Header, descriptor and body. */
function signedPart({ layout = 'v4', ...change }: QuoteChange): Uint8Array {
  const header = { version: layout === 'v4' ? 4 : 5, ...USUAL_HEADER, ...change.header }
  const isTd15 = layout === 'v5'
  const body = encodeTdReportBody({ ...usualTdReport(), ...change.body }, isTd15 ? '1.5' : '1.0')
  const bodyBytes = change.bodyBytes?.(body) ?? body
  const { type = isTd15 ? 3 : 2, size = bodyBytes.length } = change.descriptor ?? {}
  return concatBytes(
    uint16(header.version),
    uint16(header.attestationKeyType),
    uint32(header.teeType),
    header.reserved,
    header.vendorId,
    header.userData,
    ...(layout === 'v4' ? [] : [uint16(type), uint32(size)]),
    bodyBytes,
  )
}

/** The report naming the attestation key, signed by the PCK leaf, and its chain. */
function certification(
  change: QuoteChange,
  pckChain: Uint8Array,
  leaf: ForgeKey,
  keys: ForgeKeys,
): Uint8Array {
  const { qeAuth = QE_AUTH_DATA, qeReportSignedBy, bound = concatBytes } = change
  const named = change.named === undefined ? pointInQuote(change, keys) : keys[change.named].point
  const report = encodeQeReport(
    { ...USUAL_QE_REPORT, ...change.qeReport },
    sha256(bound(named, qeAuth)),
  )
  const { pair } = qeReportSignedBy === undefined ? leaf : keys[qeReportSignedBy]
  return concatBytes(
    report,
    forgeSignature(pair, report, change.qeReportSignature),
    framed(qeAuth, uint16, change.qeAuthFraming),
    uint16(change.inner?.type ?? 5),
    framed(pckChain, uint32, change.inner),
  )
}

function pointInQuote({ attestationKey, signedBy }: QuoteChange, keys: ForgeKeys): Uint8Array {
  if (attestationKey instanceof Uint8Array) return attestationKey
  return keys[attestationKey ?? signedBy ?? 'attestation'].point
}

function framed(
  content: Uint8Array,
  encode: (length: number) => Uint8Array,
  { length = (truth) => truth, behind = new Uint8Array(0) }: Framing = {},
): Uint8Array {
  return concatBytes(encode(length(content.length)), content, behind)
}
