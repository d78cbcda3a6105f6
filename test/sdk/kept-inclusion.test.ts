import {
  readAnchoredEpochs,
  ReceiptBook,
  verifyReceiptRecord,
  type InclusionRecord,
  type RecordTrust,
} from '@jeju/sdk'
import { epochRoot, receiptCommitment, receiptSalt } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { deployment } from './market/deployment.ts'
import {
  h,
  store,
  book,
  trust,
  chain,
  expected,
  believed,
  name,
  record,
  evidence,
  log,
} from './market/logged-receipt.ts'

describe('a kept proof', () => {
  const checksOf = async (
    inclusion: InclusionRecord | undefined,
    under: Partial<RecordTrust> = {},
  ): Promise<{ readonly outcome: string; readonly failed: readonly string[] }> => {
    const { outcome, checks } = await verifyReceiptRecord(
      record,
      evidence,
      { ...trust, ...under },
      inclusion,
    )
    const failed = checks.filter(({ status }) => status === 'failed').map((check) => check.name)
    return { outcome, failed }
  }

  test('is judged with its receipt, against what the chain says', async () => {
    expect(await book.inclusion(name)).toBeUndefined()
    await book.keepInclusion(name, expected())
    const kept = await new ReceiptBook(store).inclusion(name)
    expect(kept).toEqual(expected())
    const held = { outcome: 'verified', failed: [] }
    expect(await checksOf(kept, { inclusion: 'required', anchored: believed })).toEqual(held)
    const overRpc = readAnchoredEpochs(chain().wallet(), deployment)
    expect(await checksOf(kept, { inclusion: 'required', anchored: overRpc })).toEqual(held)
  })

  test('may be missing, unless it is required', async () => {
    expect(await checksOf(undefined)).toEqual({ outcome: 'verified', failed: [] })
    expect(await checksOf(undefined, { inclusion: 'required' })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept'],
    })
  })

  test('forged_inclusion_record_rejected: a tree of one leaf, with a root and a time of the forger’s own', async () => {
    const salt = receiptSalt(record.signed.salt)
    const document = { ...log.epochs[2], commitments: [receiptCommitment(salt, record.receipt)] }
    const { proof, anchored } = expected()
    const forged: InclusionRecord = {
      proof: { ...proof, index: 0, size: 1, path: [] },
      anchored: { ...anchored, root: epochRoot(document), size: 1 },
    }
    expect(await checksOf(forged, { inclusion: 'required', anchored: believed })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept', 'inclusion-root'],
    })
    const unknown: InclusionRecord = {
      proof: { ...forged.proof, epoch: 9 },
      anchored: { ...forged.anchored, epoch: 9 },
    }
    expect(await checksOf(unknown, { inclusion: 'required', anchored: believed })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept'],
    })
    // With nobody to ask it vouches for itself, which is said, and is not enough where inclusion is required.
    expect(await checksOf(forged, { inclusion: 'required' })).toEqual({
      outcome: 'refused',
      failed: [],
    })
    const offline = await verifyReceiptRecord(record, evidence, trust, forged)
    expect(offline.outcome).toBe('verified')
    expect(offline.checks.slice(-3).map(({ status }) => status)).toEqual([
      'passed',
      'skipped',
      'skipped',
    ])
  })

  test('S5 tampered_store_detected: is refused when it was changed', async () => {
    const { proof, anchored } = expected()
    const forged = { proof, anchored: { ...anchored, root: h('ff') } }
    expect((await checksOf(forged)).failed).toEqual(['inclusion-root'])
    const elsewhere = { ...deployment, receiptRoots: `0x${'99'.repeat(20)}` } as const
    const under = { deployment: elsewhere }
    expect((await checksOf(expected(), under)).failed).toEqual(['inclusion-log'])
    await store.write(`inclusion${name.slice('receipts'.length)}`, '{}')
    await expect(book.inclusion(name)).rejects.toMatchObject({ code: 'RECORD_INVALID' })
  })
})
