import { fromBareHex, toBareHex } from '../../bytes/hex.ts'
import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { VerifierError } from '../../errors.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'

/** Largest CRL read; Intel's have a few KiB. */
export const MAX_CRL_BYTES: number = 4 * 1024 * 1024
/** Largest bundle text: two CRLs in hex and two documents. */
export const MAX_COLLATERAL_CHARACTERS: number = 24 * 1024 * 1024
const MAX_CHAIN_CHARACTERS: number = 64 * 1024
const MAX_DOCUMENT_CHARACTERS: number = 1024 * 1024
const SIGNATURE_BYTES = 64

/**
 * What Intel publishes for one family of platforms, as bytes that were signed; nothing of it is trusted before
 * {@link verifyCollateral}.
 */
export interface QuoteCollateral {
  /** PEM: PCK CA, root. */
  readonly pckCrlIssuerChain: string
  /** DER. */
  readonly rootCaCrl: Uint8Array
  readonly pckCrl: Uint8Array
  /** PEM: TCB signing, root. */
  readonly tcbInfoIssuerChain: string
  /** Exact text of the value of `tcbInfo`. */
  readonly tcbInfo: string
  /** r ‖ s. */
  readonly tcbInfoSignature: Uint8Array
  readonly qeIdentityIssuerChain: string
  /** Exact text of the value of `enclaveIdentity`. */
  readonly qeIdentity: string
  readonly qeIdentitySignature: Uint8Array
}

/**
 * Reads the bundle the field exchanges (member names of dcap-qvl): documents and chains as text, CRLs and signatures
 * as hex, or as arrays of bytes. `pck_certificate_chain` is let be, since the quote's own chain counts.
 * @throws VerifierError `COLLATERAL_INVALID`
 */
export function parseCollateral(given: unknown): QuoteCollateral {
  const value = typeof given === 'string' ? parseText(given) : given
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('bundle', 'an object')
  }
  // Each member is read once: a getter cannot answer twice.
  const bundle: Readonly<Record<string, unknown>> = { ...value }
  return Object.freeze({
    pckCrlIssuerChain: text(bundle, 'pck_crl_issuer_chain', MAX_CHAIN_CHARACTERS),
    rootCaCrl: bytes(bundle, 'root_ca_crl', MAX_CRL_BYTES),
    pckCrl: bytes(bundle, 'pck_crl', MAX_CRL_BYTES),
    tcbInfoIssuerChain: text(bundle, 'tcb_info_issuer_chain', MAX_CHAIN_CHARACTERS),
    tcbInfo: text(bundle, 'tcb_info', MAX_DOCUMENT_CHARACTERS),
    tcbInfoSignature: signature(bundle, 'tcb_info_signature'),
    qeIdentityIssuerChain: text(bundle, 'qe_identity_issuer_chain', MAX_CHAIN_CHARACTERS),
    qeIdentity: text(bundle, 'qe_identity', MAX_DOCUMENT_CHARACTERS),
    qeIdentitySignature: signature(bundle, 'qe_identity_signature'),
  })
}

const TEXTS = [
  'pckCrlIssuerChain',
  'tcbInfoIssuerChain',
  'tcbInfo',
  'qeIdentityIssuerChain',
  'qeIdentity',
] as const
const BYTES = ['rootCaCrl', 'pckCrl', 'tcbInfoSignature', 'qeIdentitySignature'] as const

/**
 * Refuses what is no collateral, whatever a caller without types hands in.
 * @throws VerifierError `COLLATERAL_INVALID`
 */
export function assertCollateral(given: unknown): asserts given is QuoteCollateral {
  if (typeof given !== 'object' || given === null) throw invalid('bundle', 'an object')
  const collateral = given as Readonly<Record<string, unknown>>
  for (const member of TEXTS) {
    if (typeof collateral[member] !== 'string') throw invalid(member, 'a string')
  }
  for (const member of BYTES) {
    if (!(collateral[member] instanceof Uint8Array)) throw invalid(member, 'bytes')
  }
}

/** The bundle as JSON, with CRLs and signatures in hex. */
export function encodeCollateral(collateral: QuoteCollateral): string {
  return JSON.stringify({
    pck_crl_issuer_chain: collateral.pckCrlIssuerChain,
    root_ca_crl: toBareHex(collateral.rootCaCrl),
    pck_crl: toBareHex(collateral.pckCrl),
    tcb_info_issuer_chain: collateral.tcbInfoIssuerChain,
    tcb_info: collateral.tcbInfo,
    tcb_info_signature: toBareHex(collateral.tcbInfoSignature),
    qe_identity_issuer_chain: collateral.qeIdentityIssuerChain,
    qe_identity: collateral.qeIdentity,
    qe_identity_signature: toBareHex(collateral.qeIdentitySignature),
  })
}

function invalid(member: string, expected: string): VerifierError {
  return new VerifierError('COLLATERAL_INVALID', `collateral.${member}: expected ${expected}`)
}

function parseText(json: string): unknown {
  if (json.length > MAX_COLLATERAL_CHARACTERS) {
    throw invalid('bundle', `at most ${MAX_COLLATERAL_CHARACTERS} characters`)
  }
  try {
    return parseStrictJson(json, { maxDepth: 2 })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw invalid('bundle', `strict JSON: ${error.message}`)
  }
}

type Bundle = Readonly<Record<string, unknown>>

function text(bundle: Bundle, member: string, maxCharacters: number): string {
  const value = bundle[member]
  if (typeof value !== 'string') throw invalid(member, 'a string')
  if (value.length > maxCharacters) throw invalid(member, `at most ${maxCharacters} characters`)
  // A lone surrogate would be signed as something else than what it is compared with.
  if (!value.isWellFormed()) throw invalid(member, 'well-formed text')
  return value
}

/** Even hex all through, or an array of bytes. Lenient readers drop garbage behind hex (attack B1). */
function bytes(bundle: Bundle, member: string, maxBytes: number): Uint8Array {
  const value = bundle[member]
  if (typeof value === 'string') {
    if (value.length > 2 * maxBytes) throw invalid(member, `at most ${maxBytes} bytes`)
    return hexBytes(value, member)
  }
  if (value instanceof Uint8Array || Array.isArray(value)) {
    if (value.length > maxBytes) throw invalid(member, `at most ${maxBytes} bytes`)
    const items: ArrayLike<unknown> = value
    return Uint8Array.from({ length: items.length }, (_, index) => {
      const byte = items[index]
      if (typeof byte === 'number' && Number.isInteger(byte) && byte >= 0 && byte <= 0xff)
        return byte
      throw invalid(member, 'bytes')
    })
  }
  throw invalid(member, 'hex or an array of bytes')
}

function hexBytes(hex: string, member: string): Uint8Array {
  try {
    return fromBareHex(hex)
  } catch (error) {
    if (error instanceof ProtocolError) throw invalid(member, 'hex')
    throw error
  }
}

function signature(bundle: Bundle, member: string): Uint8Array {
  const value = bytes(bundle, member, SIGNATURE_BYTES)
  if (value.length !== SIGNATURE_BYTES) throw invalid(member, `${SIGNATURE_BYTES} bytes`)
  return value
}
