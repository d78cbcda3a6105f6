import { fromBareHex, type Hex } from '../bytes/hex.ts'
import {
  parseComputeReceipt,
  signedPartOf,
  type ComputeReceipt,
} from '../protocol/compute-receipt.ts'
import type { Keyset } from '../protocol/documents.ts'
import { feeOf } from '../protocol/fee.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { receiptDigest } from '../protocol/receipt.ts'
import { authDigest } from '../protocol/request-auth.ts'
import { recoverAddress, verifyEd25519 } from '../protocol/signatures.ts'
import type { Check } from '../report/check.ts'
import { failed, passed, skipped } from '../report/check.ts'
import type {
  ReceiptExpectation,
  ReceiptSignatures,
  ReceivedAnswer,
} from './receipt-expectation.ts'

/** Names of the checks of docs/protocol.md §6, in order. */
export const RECEIPT_CHECKS = [
  'receipt-present',
  'receipt-authorisation',
  'receipt-response',
  'receipt-signer',
  'receipt-document',
  'receipt-model',
  'receipt-price',
  'receipt-usage',
  'receipt-time',
] as const

/** One of {@link RECEIPT_CHECKS}. */
export type ReceiptCheckName = (typeof RECEIPT_CHECKS)[number]

/** Every check of one answer, and whether all of them passed. */
export interface ReceiptReport {
  readonly checks: readonly Check<ReceiptCheckName>[]
  readonly verdict:
    | { readonly outcome: 'verified'; readonly receipt: ComputeReceipt; readonly fee: bigint }
    | { readonly outcome: 'refused' }
}

const PORTABLE: ReceiptSignatures = { recoverAddress, verifyEd25519 }

/** Clock difference tolerated between node and client. */
const MAX_CLOCK_SKEW_S = 300n

/** A chat template adds tokens of its own; each message costs at least this many bytes of JSON. */
const MAX_TEMPLATE_TOKENS = 1024

/**
 * Judges an answer by its receipt against the bytes held (docs/protocol.md §6). Nothing the server says about the
 * answer is used but the signed document itself (attack E14). Never throws on what was received.
 */
export function verifyReceipt(
  answer: ReceivedAnswer,
  expectation: ReceiptExpectation,
): ReceiptReport {
  const read = readReceipt(answer)
  if ('absent' in read) return absentReport(read.absent)
  const document = documentOf(read, expectation)
  const signatures = expectation.signatures ?? PORTABLE
  const isSigned = 'objection' in document || signatures.verifyEd25519(...document.signed)
  return conclude(read, checkOthers(read, answer, expectation), checkDocument(document, isSigned))
}

/** As `verifyEd25519`, done elsewhere. */
export type Ed25519Elsewhere = (
  ...signed: Parameters<ReceiptSignatures['verifyEd25519']>
) => Promise<boolean>

/**
 * As {@link verifyReceipt}, with one of the two signatures checked elsewhere while the other is checked here: the same
 * checks in the same order.
 */
export async function verifyReceiptInParallel(
  answer: ReceivedAnswer,
  expectation: ReceiptExpectation,
  verifyElsewhere: Ed25519Elsewhere,
): Promise<ReceiptReport> {
  const read = readReceipt(answer)
  if ('absent' in read) return absentReport(read.absent)
  const document = documentOf(read, expectation)
  const signed = 'objection' in document ? true : verifyElsewhere(...document.signed)
  const others = checkOthers(read, answer, expectation)
  return conclude(read, others, checkDocument(document, await signed))
}

function absentReport(absent: string): ReceiptReport {
  const [present, ...others] = RECEIPT_CHECKS
  return {
    checks: [
      failed(present, 'one receipt in its place', absent),
      ...others.map((name) => skipped(name, 'there is no receipt')),
    ],
    verdict: { outcome: 'refused' },
  }
}

/** Every check but that of the document's signature. */
interface OtherChecks {
  readonly before: readonly Check<ReceiptCheckName>[]
  readonly after: readonly Check<ReceiptCheckName>[]
  readonly fee: bigint
}

function checkOthers(
  { receipt }: ReadReceipt,
  answer: ReceivedAnswer,
  expectation: ReceiptExpectation,
): OtherChecks {
  const { price, signed, serving, signatures } = expectation
  const { authHash, responseHash, inputTokens, outputTokens } = receipt.receipt
  const fee = feeOf(price, inputTokens, outputTokens)
  const authorised = authDigest(signed.auth, serving, signatures?.keccak256)
  return {
    before: [
      passed('receipt-present', { keyId: receipt.keyId }),
      same('receipt-authorisation', authorised, authHash),
      same('receipt-response', answer.responseHash, responseHash),
      checkSigner(receipt, expectation),
    ],
    after: [
      checkModel(receipt, expectation),
      checkPrice(receipt, fee, expectation),
      checkUsage(receipt, answer, expectation),
      checkTime(receipt, expectation),
    ],
    fee,
  }
}

function conclude(
  { receipt }: ReadReceipt,
  { before, after, fee }: OtherChecks,
  document: Check<ReceiptCheckName>,
): ReceiptReport {
  const checks = [...before, document, ...after]
  return {
    checks,
    verdict: checks.every((check) => check.status === 'passed')
      ? { outcome: 'verified', receipt, fee }
      : { outcome: 'refused' },
  }
}

/** A receipt, and the canonical text that it was read from. */
interface ReadReceipt {
  readonly receipt: ComputeReceipt
  readonly text: string
}

function readReceipt(answer: ReceivedAnswer): ReadReceipt | { readonly absent: string } {
  if ('absent' in answer.receipt) return answer.receipt
  const { text } = answer.receipt
  try {
    return { receipt: parseComputeReceipt(text), text }
  } catch (error) {
    if (error instanceof ProtocolError) return { absent: `${error.code}: ${error.message}` }
    throw error
  }
}

function same(name: ReceiptCheckName, expected: Hex, actual: Hex): Check<ReceiptCheckName> {
  return expected === actual ? passed(name, { digest: actual }) : failed(name, expected, actual)
}

function checkSigner(
  receipt: ComputeReceipt,
  { binding, serving, signatures = PORTABLE }: ReceiptExpectation,
): Check<ReceiptCheckName> {
  try {
    const digest = receiptDigest(receipt.receipt, serving, signatures.keccak256)
    const signer = signatures.recoverAddress(digest, receipt.receiptSignature)
    return same('receipt-signer', binding.signer, signer)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return failed('receipt-signer', binding.signer, error.message)
  }
}

/** What the key of the keyset has to have signed, or why no signature can help. */
type SignedDocument =
  | { readonly objection: Check<ReceiptCheckName> }
  | {
      readonly key: Keyset['receipt_signing_keys'][number]
      readonly signed: Parameters<ReceiptSignatures['verifyEd25519']>
    }

function documentOf(
  { receipt, text }: ReadReceipt,
  { binding }: ReceiptExpectation,
): SignedDocument {
  const objection = (expected: string, actual: string): SignedDocument => ({
    objection: failed('receipt-document', expected, actual),
  })
  if (receipt.bindingId !== binding.bindingId) {
    return objection(`binding ${binding.bindingId}`, receipt.bindingId)
  }
  if (receipt.keysetDigest !== binding.keysetDigest) {
    return objection(`keyset ${binding.keysetDigest}`, receipt.keysetDigest)
  }
  const key = binding.keyset.receipt_signing_keys.find(({ key_id }) => key_id === receipt.keyId)
  if (key === undefined) return objection('a receipt key of the keyset', receipt.keyId)
  const signature = fromBareHex(receipt.signature)
  return { key, signed: [signature, signedPartOf(text, receipt), fromBareHex(key.public_key)] }
}

function checkDocument(document: SignedDocument, isSigned: boolean): Check<ReceiptCheckName> {
  if ('objection' in document) return document.objection
  const { key_id, public_key } = document.key
  return isSigned
    ? passed('receipt-document', { keyId: key_id, publicKey: public_key })
    : failed('receipt-document', `a signature by ${public_key}`, 'another signature')
}

function checkModel(
  receipt: ComputeReceipt,
  { model, modelId }: ReceiptExpectation,
): Check<ReceiptCheckName> {
  return receipt.model === model && receipt.modelId === modelId
    ? passed('receipt-model', { model, modelId })
    : failed('receipt-model', `${model} ${modelId}`, `${receipt.model} ${receipt.modelId}`)
}

function checkPrice(
  receipt: ComputeReceipt,
  fee: bigint,
  { price, signed }: ReceiptExpectation,
): Check<ReceiptCheckName> {
  const name = 'receipt-price'
  const { outputTokens } = receipt.receipt
  if (receipt.priceVersion !== price.version) {
    return failed(name, `price version ${price.version}`, String(receipt.priceVersion))
  }
  if (outputTokens > price.maxOutputTokens) {
    return failed(name, `at most ${price.maxOutputTokens} output tokens`, String(outputTokens))
  }
  return fee <= signed.auth.maxFee
    ? passed(name, { fee: fee.toString(), priceVersion: price.version })
    : failed(name, `at most ${signed.auth.maxFee} wei`, `${fee} wei`)
}

/** Counts can be bounded without a tokenizer: no token of text is shorter than one byte. */
function checkUsage(
  receipt: ComputeReceipt,
  answer: ReceivedAnswer,
  { requestBytes }: ReceiptExpectation,
): Check<ReceiptCheckName> {
  const name = 'receipt-usage'
  const { inputTokens, outputTokens } = receipt.receipt
  const maxInput = requestBytes + MAX_TEMPLATE_TOKENS
  if (inputTokens > maxInput) {
    return failed(name, `at most ${maxInput} input tokens`, String(inputTokens))
  }
  if (outputTokens > answer.responseBytes) {
    return failed(name, `at most ${answer.responseBytes} output tokens`, String(outputTokens))
  }
  const stated = answer.statedUsage
  if (
    stated !== undefined &&
    (stated.inputTokens !== inputTokens || stated.outputTokens !== outputTokens)
  ) {
    return failed(
      name,
      `${stated.inputTokens} in, ${stated.outputTokens} out as the answer states`,
      `${inputTokens} in, ${outputTokens} out`,
    )
  }
  return passed(name, { inputTokens, outputTokens, stated: stated !== undefined })
}

function checkTime(
  receipt: ComputeReceipt,
  { signed, at }: ReceiptExpectation,
): Check<ReceiptCheckName> {
  const { issuedAt } = receipt.receipt
  const now = BigInt(Math.floor(at.getTime() / 1000))
  const latest =
    now + MAX_CLOCK_SKEW_S < signed.auth.validUntil
      ? now + MAX_CLOCK_SKEW_S
      : signed.auth.validUntil
  return issuedAt <= latest
    ? passed('receipt-time', { issuedAt: issuedAt.toString() })
    : failed('receipt-time', `issued no later than ${latest}`, String(issuedAt))
}
