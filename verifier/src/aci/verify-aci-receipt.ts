import { fromBareHex } from '../bytes/hex.ts'
import { aciReceiptSigningBytes } from '../protocol/dialects/aci-receipt.ts'
import { ACI_VERSION } from '../protocol/dialects/aci-statement.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { verifyEd25519 } from '../protocol/signatures.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { AciKeyset } from './keyset.ts'
import { onlyEvent, parseAciReceipt, type AciReceipt } from './receipt.ts'
import { checkServing } from './check-serving.ts'
import type { AciSession } from './session.ts'

/** The checks of an ACI receipt, in order (ACI, verification procedure, response). */
export const ACI_RECEIPT_CHECKS = [
  'receipt-present',
  'receipt-signature',
  'receipt-service',
  'receipt-exchange',
  'receipt-request',
  'receipt-response',
  'receipt-serving',
  'receipt-time',
] as const

/** One of {@link ACI_RECEIPT_CHECKS}. */
export type AciReceiptCheckName = (typeof ACI_RECEIPT_CHECKS)[number]

/** What the receiver knows by itself: nothing of it is taken from the receipt or from the service. */
export interface AciReceiptExpectation {
  /** Of the verified report. */
  readonly keyset: AciKeyset
  readonly keysetDigest: string
  readonly method: string
  readonly endpoint: string
  /** `sha256:` digest of the body bytes sent, and of those off the wire, the raw stream included. */
  readonly requestHash: string
  readonly responseHash: string
  /** `direct`: the service itself inferred. A list of pinned sessions: it is an aggregator. */
  readonly serving: 'direct' | { readonly sessions: readonly AciSession[] }
  readonly at: Date
}

/** Every check of one receipt, and whether all of them passed. */
export interface AciReceiptReport {
  readonly checks: readonly Check<AciReceiptCheckName>[]
  readonly verdict:
    { readonly outcome: 'verified'; readonly receipt: AciReceipt } | { readonly outcome: 'refused' }
}

const MAX_CLOCK_SKEW_S = 300

/**
 * Judges an ACI receipt against the bytes that were sent and received (attacks E3, E14). `undefined` stands for one
 * that could not be had, which is a failure and not a lesser answer (attack E15). Never throws on what was received.
 */
export function verifyAciReceipt(
  text: string | undefined,
  expectation: AciReceiptExpectation,
): AciReceiptReport {
  const read = readReceipt(text)
  if (!('receipt' in read)) {
    const [present, ...others] = ACI_RECEIPT_CHECKS
    const rest = others.map((name) => skipped(name, 'there is no receipt'))
    const checks = [failed(present, 'an ACI receipt', read.absent), ...rest]
    return { checks, verdict: { outcome: 'refused' } }
  }
  const { receipt } = read
  const { method, endpoint, serving } = expectation
  const checks: readonly Check<AciReceiptCheckName>[] = [
    passed('receipt-present', { receiptId: receipt.receiptId }),
    checkSignature(receipt, expectation.keyset),
    same(
      'receipt-service',
      `${ACI_VERSION} ${expectation.keysetDigest}`,
      `${receipt.apiVersion} ${receipt.keysetDigest}`,
    ),
    same('receipt-exchange', `${method} ${endpoint}`, `${receipt.method} ${receipt.endpoint}`),
    checkBody('receipt-request', 'request.received', expectation.requestHash, receipt),
    checkBody('receipt-response', 'response.returned', expectation.responseHash, receipt),
    checkServing(receipt, serving),
    checkTime(receipt, expectation),
  ]
  return {
    checks,
    verdict: checks.every(({ status }) => status === 'passed')
      ? { outcome: 'verified', receipt }
      : { outcome: 'refused' },
  }
}

function readReceipt(
  text: string | undefined,
): { readonly receipt: AciReceipt } | { readonly absent: string } {
  if (text === undefined) return { absent: 'none' }
  try {
    const receipt = parseAciReceipt(text)
    // The request comes first, and what happened stands there once (ACI, receipts).
    if (receipt.events[0]?.type !== 'request.received') {
      return { absent: 'a receipt that does not begin with request.received' }
    }
    for (const type of ['request.received', 'request.forwarded', 'response.returned']) {
      onlyEvent(receipt, type)
    }
    return { receipt }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { absent: `${error.code}: ${error.message}` }
  }
}

/** The keyset's entry decides the algorithm: no artefact names its own. */
function checkSignature(
  receipt: AciReceipt,
  { receiptKeys }: AciKeyset,
): Check<AciReceiptCheckName> {
  const name = 'receipt-signature'
  const { keyId, signature, document } = receipt
  const key = receiptKeys.find(({ key_id }) => key_id === keyId)
  if (key?.algo !== 'ed25519') {
    return failed(name, 'an Ed25519 key of the keyset', key === undefined ? keyId : key.algo)
  }
  if (!/^[0-9a-f]{128}$/.test(signature)) return failed(name, '128 lowercase hex', 'other')
  const holds = verifyEd25519(
    fromBareHex(signature),
    aciReceiptSigningBytes(document),
    fromBareHex(key.public_key),
  )
  return holds
    ? passed(name, { keyId })
    : failed(name, `a signature by ${keyId}`, 'none that holds')
}

function checkBody(
  name: AciReceiptCheckName,
  type: string,
  expected: string,
  receipt: AciReceipt,
): Check<AciReceiptCheckName> {
  const actual = onlyEvent(receipt, type)?.members['body_hash']
  return same(name, expected, typeof actual === 'string' ? actual : `no ${type}`)
}

function checkTime(
  { servedAt }: AciReceipt,
  { at, keyset }: AciReceiptExpectation,
): Check<AciReceiptCheckName> {
  const name = 'receipt-time'
  const latest = Math.min(Math.floor(at.getTime() / 1000) + MAX_CLOCK_SKEW_S, keyset.notAfter)
  return servedAt <= latest
    ? passed(name, { servedAt })
    : failed(name, `served no later than ${latest}`, String(servedAt))
}

function same(
  name: AciReceiptCheckName,
  expected: string,
  actual: string,
): Check<AciReceiptCheckName> {
  return expected === actual ? passed(name, { actual }) : failed(name, expected, actual)
}
