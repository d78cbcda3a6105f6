import {
  createMemoryStore,
  ReceiptBook,
  verifyReceiptRecord,
  type EvidenceRecord,
  type ReceiptRecord,
  type RecordReport,
  type RecordTrust,
  type Store,
} from '@jeju/sdk'
import { intelTrustAnchor, simulatedTrustAnchor } from '@jeju/verifier'
import {
  fromHex,
  parseComputeReceipt,
  encodeComputeReceipt,
  type Hex,
} from '@jeju/verifier/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../simulated-trust.ts'
import { deployment } from './market/deployment.ts'
import { chat, CHAT_URL, Market, platform, PROMPT } from './market/market.ts'
import { ANSWER_TEXT } from './market/test-node.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const OTHER: Hex = `0x${'ab'.repeat(32)}`

const store: Store = createMemoryStore()
const market = new Market()
const book = new ReceiptBook(store)
const trust: RecordTrust = {
  deployment,
  trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
  policy: policyOf(market.nodes[0].td),
}
let record: ReceiptRecord
let evidence: EvidenceRecord

beforeAll(async () => {
  const fetch = market.fetchWith({ store })
  await (await fetch(CHAT_URL, chat())).text()
  await (await fetch(CHAT_URL, chat(STREAM))).text()
  const [name = ''] = await book.names()
  const read = await book.read(name)
  if (read === undefined) throw new Error('no receipt was kept')
  const kept = await book.evidence(read.evidence)
  if (kept === undefined) throw new Error('no evidence was kept')
  record = read
  evidence = kept
})

function failed({ checks }: RecordReport): readonly string[] {
  return checks.filter(({ status }) => status !== 'passed').map(({ name }) => name)
}

const verify = async (
  changes: Partial<ReceiptRecord> = {},
  proof: EvidenceRecord | undefined = evidence,
  under: Partial<RecordTrust> = {},
): Promise<readonly string[]> => {
  const report = await verifyReceiptRecord({ ...record, ...changes }, proof, { ...trust, ...under })
  const names = failed(report)
  expect(report.outcome).toBe(names.length === 0 ? 'verified' : 'refused')
  return names
}

describe('what is kept of verified answers', () => {
  test('E4 receipt_survives_restart: of JSON and stream, verified again by another process, offline', async () => {
    const later = new ReceiptBook(store)
    const names = await later.names()
    expect(names).toHaveLength(2)
    for (const name of names) {
      const read = await later.read(name)
      if (read === undefined) throw new Error('gone')
      const report = await verifyReceiptRecord(read, await later.evidence(read.evidence), trust)
      expect(failed(report)).toEqual([])
      expect(report).toMatchObject({ outcome: 'verified', fee: 21n })
    }
    expect(await later.feesOf(record.signed.auth.channelId)).toBe(42n)
    expect(await later.feesOf(OTHER)).toBe(0n)
  })

  test('S4 no_plaintext_at_rest: neither prompt nor answer, and evidence once a verification', async () => {
    const names = [...(await store.list('receipts')), ...(await store.list('evidence'))]
    expect(names).toHaveLength(3)
    for (const name of names) {
      const text = (await store.read(name)) ?? ''
      for (const secret of [PROMPT, ANSWER_TEXT, 'Grüße']) expect(text).not.toContain(secret)
    }
  })

  test('an answer that does not verify leaves nothing', async () => {
    const other = new Market()
    const own = createMemoryStore()
    other.gateway.changeAnswer = (answer) => ({ ...answer, headers: {} })
    await expect(
      other
        .fetchWith({ store: own })(CHAT_URL, chat())
        .then((response) => response.text()),
    ).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    expect(await own.list('receipts')).toEqual([])
  })

  test('a store that fails does not take the answer away, and it is told', async () => {
    const other = new Market()
    const memory = createMemoryStore()
    const broken: Store = {
      ...memory,
      write: (name, text) =>
        name.startsWith('receipts') ? Promise.reject(new Error('disk')) : memory.write(name, text),
    }
    const response = await other.fetchWith({ store: broken })(CHAT_URL, chat())
    expect(await response.text()).toContain(ANSWER_TEXT)
    expect(other.eventsOf('receipt-not-kept')).toMatchObject([{ reason: 'the store failed' }])
  })
})

describe('a record that was changed is refused', () => {
  test('S5 tampered_store_detected: by the check that its signatures cover', async () => {
    const cases: [string, Partial<ReceiptRecord>][] = [
      ['receipt-response', { responseHash: OTHER }],
      ['receipt-model', { modelId: OTHER }],
      ['receipt-price', { price: { ...record.price, version: 9 } }],
      ['receipt-usage', { responseBytes: 1 }],
      ['receipt-usage', { statedUsage: { inputTokens: 1, outputTokens: 1 } }],
      ['receipt-signer', { binding: { ...record.binding, signer: `0x${'11'.repeat(20)}` } }],
      ['receipt-document', { binding: { ...record.binding, bindingId: OTHER } }],
      ['authorisation-signature', { sessionKey: `0x${'11'.repeat(20)}` }],
      ['evidence-kept', { evidence: OTHER }],
      ['statement-identity', { agentId: 9n }],
      ['evidence-time', { at: new Date(record.at.getTime() + 3 * 3600 * 1000) }],
    ]
    for (const [check, changes] of cases) expect(await verify(changes)).toContain(check)
  })

  test('another authorisation, receipt or contract', async () => {
    const { auth } = record.signed
    const signed = { ...record.signed, auth: { ...auth, maxFee: auth.maxFee + 1n } }
    expect(await verify({ signed })).toEqual(
      expect.arrayContaining(['receipt-authorisation', 'authorisation-signature']),
    )
    const receipt = parseComputeReceipt(record.receipt)
    const cheaper = encodeComputeReceipt({
      ...receipt,
      receipt: { ...receipt.receipt, outputTokens: 1 },
    })
    expect(await verify({ receipt: cheaper, statedUsage: undefined })).toEqual(
      expect.arrayContaining(['receipt-signer', 'receipt-document']),
    )
    const other = { ...deployment, inferenceServing: `0x${'99'.repeat(20)}` as const }
    expect(await verify({}, evidence, { deployment: other })).toEqual(['receipt-contract'])
  })

  test('keys of somebody else, with signatures that fit them, fail at the evidence', async () => {
    const forger = new Market()
    const own = createMemoryStore()
    await (await forger.fetchWith({ store: own })(CHAT_URL, chat())).text()
    const theirs = new ReceiptBook(own)
    const [name = ''] = await theirs.names()
    const forged = await theirs.read(name)
    if (forged === undefined) throw new Error('no receipt')
    const { agentId, operator, evidence: digest } = record
    const report = await verifyReceiptRecord(
      { ...forged, agentId, operator, evidence: digest, at: record.at },
      evidence,
      trust,
    )
    expect(failed(report)).toEqual(
      expect.arrayContaining(['evidence-binding', 'evidence-signer', 'evidence-keyset']),
    )
  })
})

describe('evidence', () => {
  test('that is missing, of another time or under another root or policy proves nothing', async () => {
    const nothing = await verifyReceiptRecord(record, undefined, trust)
    expect(failed(nothing)).toEqual(['evidence-kept'])
    const late = { ...evidence, at: new Date(record.at.getTime() + 1000) }
    expect(await verify({}, late)).toEqual(['evidence-time'])
    expect(await verify({}, { ...evidence, nonce: OTHER })).toContain('freshness')
    const years = { ...evidence, at: new Date('2040-01-01T00:00:00Z') }
    expect(await verify({}, years)).toContain('evidence-verdict')
    expect(await verify({}, evidence, { trustAnchor: intelTrustAnchor() })).toContain('pck-chain')
    const policy = { ...trust.policy, composeHashes: [OTHER] }
    expect(await verify({}, evidence, { policy })).toContain('compose-allowed')
    const tiers = { ...trust.policy, tiers: ['tdx'] as const }
    expect(await verify({}, evidence, { policy: tiers })).toEqual(['evidence-verdict'])
  })

  test('that is not the one of its name, and records of no form, cannot be read', async () => {
    const own = createMemoryStore()
    const text = (await store.read(`evidence/${record.evidence}`)) ?? ''
    await own.write(`evidence/${OTHER}`, text)
    const reading = new ReceiptBook(own)
    const unreadable = { code: 'RECORD_INVALID' }
    await expect(reading.evidence(OTHER)).rejects.toMatchObject(unreadable)
    const [name = ''] = await store.list('receipts')
    const good = (await store.read(name)) ?? ''
    const bad = [
      '',
      '{}',
      'null',
      `${good} `,
      good.replace('"requestBytes":', '"requestBytes":-'),
      good.replace('"v":1}', '"v":2}'),
      good.replace('"evidence":"0x', '"evidence":"0X'),
    ]
    for (const [at, wrong] of bad.entries()) {
      await own.write(`receipts/${at}`, wrong)
      await expect(reading.read(`receipts/${at}`)).rejects.toMatchObject(unreadable)
    }
    expect(await reading.evidence(`0x${'00'.repeat(32)}`)).toBeUndefined()
    expect(fromHex(record.evidence)).toHaveLength(32)
  })
})
