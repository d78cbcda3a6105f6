import { fromBareHex } from '../bytes/hex.ts'
import { utf8 } from '../bytes/bytes.ts'
import { parseForeignJson } from '../dialect/foreign-json.ts'
import { exchangeText } from '../protocol/dialects/exchange-text.ts'
import { recoverPersonal } from '../protocol/dialects/personal-signature.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asHex, asObject, asString } from '../protocol/shape.ts'
import { verifyEd25519 } from '../protocol/signatures.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { SigningClaims } from './verify-signing-report.ts'

/** The checks of a signature over one exchange, in order. */
export const EXCHANGE_CHECKS = ['signature-present', 'exchange-text', 'exchange-signer'] as const

/** One of {@link EXCHANGE_CHECKS}. */
export type ExchangeCheckName = (typeof EXCHANGE_CHECKS)[number]

/** What the receiver holds; nothing of it comes from the signature's own document. */
export interface ExchangeExpectation {
  readonly model: string
  /** Bare hex SHA-256 of the body sent and of the body received, recomputed by the receiver. */
  readonly requestSha256: string
  readonly responseSha256: string
  /** Of the verified report. */
  readonly signer: SigningClaims
}

/** Every check, and whether all of them passed. */
export interface ExchangeReport {
  readonly checks: readonly Check<ExchangeCheckName>[]
  readonly outcome: 'verified' | 'refused'
}

/**
 * Judges the answer of `GET /v1/signature/{chat_id}`: the signed text has to be the one recomputed here from the bytes
 * that were held, in one of its two forms (attack E14). `undefined` stands for a signature that could not be had, which
 * is a failure (attack E15). Never throws on what was received.
 */
export function verifyExchange(
  text: string | undefined,
  expectation: ExchangeExpectation,
): ExchangeReport {
  const read = readSignature(text)
  if ('absent' in read) {
    const [present, ...others] = EXCHANGE_CHECKS
    const rest = others.map((name) => skipped(name, 'there is no signature'))
    return { checks: [failed(present, 'a signature', read.absent), ...rest], outcome: 'refused' }
  }
  const { model, requestSha256, responseSha256, signer } = expectation
  const forms = [model, null].map((name) => exchangeText(name, requestSha256, responseSha256))
  const checks: readonly Check<ExchangeCheckName>[] = [
    passed('signature-present', { algo: signer.signingAlgo }),
    forms.includes(read.text)
      ? passed('exchange-text', { text: read.text })
      : failed('exchange-text', forms.join(' or '), read.text),
    checkSigner(read, signer),
  ]
  const holds = checks.every(({ status }) => status === 'passed')
  return { checks, outcome: holds ? 'verified' : 'refused' }
}

interface SignedText {
  readonly text: string
  readonly signature: string
}

function readSignature(document: string | undefined): SignedText | { readonly absent: string } {
  if (document === undefined) return { absent: 'none' }
  try {
    const signed = asObject(parseForeignJson(document, 'signature'), 'signature')
    return {
      text: asString(signed['text'], 'signature.text', 1024),
      signature: asString(signed['signature'], 'signature.signature', 132),
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { absent: `${error.code}: ${error.message}` }
  }
}

function checkSigner(
  { text, signature }: SignedText,
  { signingAlgo, signingAddress }: SigningClaims,
): Check<'exchange-signer'> {
  const name = 'exchange-signer'
  try {
    if (signingAlgo === 'ecdsa') {
      const actual = recoverPersonal(text, asHex(signature, 'signature', 65))
      return actual === signingAddress
        ? passed(name, { signer: actual })
        : failed(name, signingAddress, actual)
    }
    const bytes = fromBareHex(signature, 64, 'signature')
    return verifyEd25519(bytes, utf8(text), fromBareHex(signingAddress))
      ? passed(name, { signer: signingAddress })
      : failed(name, `a signature by ${signingAddress}`, 'none that holds')
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return failed(name, `a signature by ${signingAddress}`, error.message)
  }
}
