import { describe, expect, test } from 'vitest'
import {
  parseAciReceipt,
  parseAciSession,
  verifyAciReceipt,
  type AciKeyset,
} from '@jeju/verifier/dialects'
import {
  aciDigest,
  aciKeysetDigest,
  aciReceiptSigningBytes,
  aciReportData,
  aciStatement,
  canonicalJson,
  ed25519PublicKey,
  fromBareHex,
  signAciReceipt,
  toBareHex,
  utf8,
  type AciDocument,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { readAciKeyset } from '../../../verifier/src/aci/keyset.ts'
import { failedChecks } from '../../check-names.ts'
import { haveVectors, vectorJson } from '../vectors.ts'

// The published constants of ACI; without them at hand the same rules are tested on what our own node serves.

interface Vectors {
  readonly keyset: JsonValue
  readonly keyset_jcs: string
  readonly workload_keyset_digest: string
}

const decoder = new TextDecoder()

describe.runIf(haveVectors)('the constants of ACI', () => {
  test('keyset: JCS and digest', () => {
    const vector = vectorJson('aci', 'keyset.json') as Vectors
    expect(canonicalJson(vector.keyset)).toBe(vector.keyset_jcs)
    expect(aciKeysetDigest(vector.keyset)).toBe(vector.workload_keyset_digest)
  })

  test('statement and report data, with a nonce and without', () => {
    const { cases } = vectorJson('aci', 'statement.json') as {
      cases: {
        nonce: string | null
        statement: string
        report_data: string
        report_data_slot_64: string
      }[]
    }
    const { workload_keyset_digest } = vectorJson('aci', 'keyset.json') as Vectors
    expect(cases.length).toBeGreaterThan(1)
    for (const { nonce, statement, report_data_slot_64 } of cases) {
      expect(decoder.decode(aciStatement(workload_keyset_digest, nonce))).toBe(statement)
      expect(toBareHex(aciReportData(workload_keyset_digest, nonce))).toBe(report_data_slot_64)
    }
  })

  test('receipt: signing bytes, signature both ways, and the transcript', () => {
    const vector = vectorJson('aci', 'receipt.json') as {
      request_body_utf8: string
      response_body_utf8: string
      signing_input_jcs: string
      signature_hex: string
      receipt: AciDocument
      receipt_jcs: string
    }
    const { keyset, workload_keyset_digest } = vectorJson('aci', 'keyset.json') as Vectors
    const seed = fromBareHex('02'.repeat(32))
    expect(toBareHex(ed25519PublicKey(seed))).toMatch(/^8139770e/)
    const { signature: _, ...unsigned } = vector.receipt
    expect(decoder.decode(aciReceiptSigningBytes(vector.receipt))).toBe(vector.signing_input_jcs)
    expect(signAciReceipt(unsigned, seed)).toEqual(vector.receipt)
    const read: AciKeyset = readAciKeyset(keyset)
    const expectation = {
      keyset: read,
      keysetDigest: workload_keyset_digest,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      requestHash: aciDigest(utf8(vector.request_body_utf8)),
      responseHash: aciDigest(utf8(vector.response_body_utf8)),
      at: new Date(1_750_000_100_000),
    }
    const { session_id } = vectorJson('aci', 'session.json') as { session_id: string }
    const sessions = [
      {
        id: session_id,
        upstreamName: '',
        establishedAt: 1_750_000_000,
        expiresAt: 1_750_003_600,
        evidence: new Uint8Array(0),
      },
    ]
    const judge = (text: string, serving: Parameters<typeof verifyAciReceipt>[1]['serving']) =>
      verifyAciReceipt(text, { ...expectation, serving })
    const text = JSON.stringify(vector.receipt, null, 2)
    expect(judge(text, { sessions }).verdict.outcome).toBe('verified')
    // A client that took it for a direct service would not be told who served.
    expect(failedChecks(judge(text, 'direct'))).toEqual(['receipt-serving'])
    expect(failedChecks(judge(text, { sessions: [] }))).toEqual(['receipt-serving'])
    for (const [name, change] of Object.entries(vector.receipt)) {
      if (name === 'event_log') continue
      const other = typeof change === 'number' ? change + 1 : `${JSON.stringify(change)}0`
      const report = judge(JSON.stringify({ ...vector.receipt, [name]: other }), { sessions })
      expect([name, report.verdict.outcome]).toEqual([name, 'refused'])
    }
    expect(
      judge(JSON.stringify({ ...vector.receipt, more: 1 }), { sessions }).verdict.outcome,
    ).toBe('refused')
    expect(parseAciReceipt(vector.receipt_jcs).receiptId).toBe('rcpt-0001')
  })

  test('sessions: id and evidence', () => {
    for (const file of ['session.json', 'session-proxy-image.json']) {
      const vector = vectorJson('aci', file) as { session: JsonValue; session_id: string }
      const { id, evidence } = parseAciSession(JSON.stringify(vector.session), vector.session_id)
      expect(id).toBe(vector.session_id)
      expect(evidence.length).toBeGreaterThan(0)
      expect(() => parseAciSession(JSON.stringify(vector.session), 'ab'.repeat(32))).toThrow('id')
    }
  })
})

test('C17 statement_injection_rejected: digest and nonce are held to their form', () => {
  const digest = `sha256:${'ab'.repeat(32)}`
  const injected = `${digest.slice(0, -1)}","purpose":"x`
  for (const [one, nonce] of [
    [injected, null],
    [digest.toUpperCase(), null],
    [digest.slice(7), null],
    [digest, 'AB'.repeat(32)],
    [digest, 'ab'.repeat(16)],
    [digest, `${'ab'.repeat(31)}a"`],
    [digest, ''],
  ] as const) {
    expect(() => aciStatement(one, nonce)).toThrow()
  }
})
