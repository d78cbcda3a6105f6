import { afterEach, describe, expect, test } from 'vitest'
import {
  verifyReceipt,
  verifyReceiptInParallel,
  type ReceiptExpectation,
  type ReceiptReport,
  type ReceivedAnswer,
} from '@jeju/verifier'
import { nativeSignatures, verifyEd25519InPool } from '@jeju/verifier/node'
import {
  authDigest,
  createResponseHasher,
  documentDigest,
  encodeComputeReceipt,
  parseKeyset,
  requestHash,
  signComputeReceipt,
  utf8,
  type ComputeReceipt,
  type Hex,
} from '@jeju/verifier/protocol'
import { failedChecks } from '../../check-names.ts'
import { keysetText, receiptKeys, sampleReceipt, serving, signer } from '../protocol/samples.ts'

const salt: Hex = `0x${'aa'.repeat(32)}`
const body = utf8('{"model":"enclave-mini","messages":[]}')
const answerBody = utf8('{"choices":[{"message":{"content":"a proof, signed by a key"}}]}')

const signed = {
  auth: {
    channelId: `0x${'c1'.repeat(32)}`,
    nonce: 5n,
    bindingId: `0x${'b1'.repeat(32)}`,
    requestHash: requestHash(salt, 'POST', '/v1/chat/completions', body),
    maxFee: 1_000n,
    validUntil: 1_800_000_600n,
  },
  salt,
  signature: `0x${'00'.repeat(65)}`,
} as const

const expectation: ReceiptExpectation = {
  signed,
  serving,
  binding: {
    bindingId: signed.auth.bindingId,
    signer,
    keysetDigest: documentDigest(keysetText),
    keyset: parseKeyset(keysetText),
  },
  model: 'enclave-mini',
  modelId: `0x${'3d'.repeat(32)}`,
  price: { inPerMTok: 2_000_000n, outPerMTok: 6_000_000n, version: 1, maxOutputTokens: 100 },
  requestBytes: body.length,
  at: new Date(1_800_000_001_000),
}

function hashOf(bytes: Uint8Array): Hex {
  const hasher = createResponseHasher(salt)
  hasher.update(bytes)
  return hasher.digest()
}

const authHash = authDigest(signed.auth, serving)
const good = sampleReceipt(authHash, hashOf(answerBody))

function judge(
  receipt: ComputeReceipt,
  changes: Partial<ReceivedAnswer> = {},
  wanted: Partial<ReceiptExpectation> = {},
): ReceiptReport {
  const answer = {
    receipt: { text: encodeComputeReceipt(receipt) },
    responseHash: hashOf(answerBody),
    responseBytes: answerBody.length,
    ...changes,
  }
  const report = verifyReceipt(answer, { ...expectation, ...wanted })
  const native = { ...expectation, ...wanted, signatures: nativeSignatures }
  inParallel.push([report, verifyReceiptInParallel(answer, native, verifyEd25519InPool)])
  return report
}

/** Every verdict of this file, and the one that was made beside it with native code in two threads. */
const inParallel: [ReceiptReport, Promise<ReceiptReport>][] = []

afterEach(async () => {
  for (const [report, other] of inParallel.splice(0)) expect(await other).toEqual(report)
})

function refusedBy(report: ReceiptReport): readonly string[] {
  expect(report.verdict.outcome).toBe('refused')
  return failedChecks(report)
}

describe('a receipt', () => {
  test('over exactly what was sent and received is verified, with the fee', () => {
    const report = judge(good, { statedUsage: { inputTokens: 12, outputTokens: 20 } })
    expect(report.verdict).toMatchObject({ outcome: 'verified', fee: 144n })
    expect(report.checks.every(({ status }) => status === 'passed')).toBe(true)
  })

  test('E14 old_signed_pair_rejected: every flipped byte of the answer is seen', () => {
    for (let at = 0; at < answerBody.length; at++) {
      const changed = answerBody.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      const report = judge(good, { responseHash: hashOf(changed) })
      expect(refusedBy(report)).toEqual(['receipt-response'])
    }
  })

  test('E3 receipt_of_other_request_rejected', () => {
    const other = { ...signed, auth: { ...signed.auth, nonce: 6n } }
    expect(refusedBy(judge(good, {}, { signed: other }))).toEqual(['receipt-authorisation'])
  })

  test('E15 missing_signature_is_error', () => {
    const report = judge(good, { receipt: { absent: 'no compute-receipt header' } })
    expect(refusedBy(report)).toEqual(['receipt-present'])
    expect(report.checks.slice(1).every(({ status }) => status === 'skipped')).toBe(true)
    expect(refusedBy(judge(good, { receipt: { text: '{}' } }))).toEqual(['receipt-present'])
  })

  test('by another signer, under another binding, or by an unlisted key', () => {
    const content = { ...good }
    const otherSigner = signComputeReceipt(content, {
      ...receiptKeys,
      signerKey: new Uint8Array(32).fill(8),
    })
    expect(refusedBy(judge(otherSigner))).toEqual(['receipt-signer'])
    const otherSeed = signComputeReceipt(content, {
      ...receiptKeys,
      receiptKey: new Uint8Array(32).fill(8),
    })
    expect(refusedBy(judge(otherSeed))).toEqual(['receipt-document'])
    const unlisted = signComputeReceipt(content, { ...receiptKeys, keyId: 'receipt-2' })
    expect(refusedBy(judge(unlisted))).toEqual(['receipt-document'])
    const sibling = sampleReceipt(authHash, hashOf(answerBody), {
      bindingId: `0x${'b2'.repeat(32)}`,
    })
    expect(refusedBy(judge(sibling))).toEqual(['receipt-document'])
    const otherChain = { ...serving, chainId: 8453n }
    expect(refusedBy(judge(good, {}, { serving: otherChain }))).toEqual([
      'receipt-authorisation',
      'receipt-signer',
    ])
  })

  test('E19 second_signature_in_text_rejected: what is signed is cut from the end alone', () => {
    const end = `","signature":"${good.signature.slice(0, 64)}","v":1}`
    for (const model of [end, `x${end}`, '","v":1}', `","signature":"","v":1}`]) {
      const signedSo = sampleReceipt(authHash, hashOf(answerBody), { model })
      expect(judge(signedSo, {}, { model }).verdict.outcome).toBe('verified')
      expect(refusedBy(judge({ ...good, model }, {}, { model }))).toEqual(['receipt-document'])
    }
    const text = encodeComputeReceipt(good)
    for (const wrong of [
      `${text} `,
      `${text.slice(0, -1)},"w":2}`,
      text.replace(',"v":1}', ',"v":1.0}'),
    ]) {
      expect(refusedBy(judge(good, { receipt: { text: wrong } })), wrong).toEqual([
        'receipt-present',
      ])
    }
  })

  test('with a member changed after signing', () => {
    const changed = { ...good, priceVersion: 2 }
    expect(refusedBy(judge(changed))).toEqual(['receipt-document', 'receipt-price'])
  })

  test('for another model', () => {
    const report = judge(good, {}, { modelId: `0x${'4d'.repeat(32)}` })
    expect(refusedBy(report)).toEqual(['receipt-model'])
  })

  test('P6 inflated counts: over the fee cap, over the price bound, over what the bytes can hold', () => {
    const hash = hashOf(answerBody)
    const overCap = { signed: { ...signed, auth: { ...signed.auth, maxFee: 143n } } }
    expect(refusedBy(judge(good, {}, overCap))).toContain('receipt-price')
    const overBound = sampleReceipt(authHash, hash, { outputTokens: 101 })
    expect(refusedBy(judge(overBound))).toEqual(['receipt-price', 'receipt-usage'])
    const overInput = sampleReceipt(authHash, hash, { inputTokens: body.length + 1025 })
    expect(refusedBy(judge(overInput))).toContain('receipt-usage')
    const stated = { statedUsage: { inputTokens: 12, outputTokens: 19 } }
    expect(refusedBy(judge(good, stated))).toEqual(['receipt-usage'])
  })

  test('C15 future_dated_rejected', () => {
    const early = { at: new Date((1_800_000_000 - 301) * 1000) }
    expect(refusedBy(judge(good, {}, early))).toEqual(['receipt-time'])
    const late = { signed: { ...signed, auth: { ...signed.auth, validUntil: 1_799_999_999n } } }
    expect(refusedBy(judge(good, {}, late))).toContain('receipt-time')
  })
})
