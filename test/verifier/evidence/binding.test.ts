import { beforeAll, describe, expect, test } from 'vitest'
import { launchTd, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import { verifyEvidence, type Report, type VerificationContext } from '@jeju/verifier'
import {
  addressOf,
  bindingIdOf,
  canonicalJson,
  concatBytes,
  decodeEvidence,
  documentDigest,
  encodeEvidence,
  freshnessHash,
  fromHex,
  MAX_KEYSET_LIFE_S,
  reportData,
  sha256,
  signDigest,
  toHex,
  utf8,
  ZERO_DIGEST,
  type ContractDomain,
  type EvidenceBundle,
  type Freshness,
  type Hex,
} from '@jeju/verifier/protocol'
import { failedChecks } from '../../check-names.ts'
import { policyOf } from '../../simulated-trust.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { keysetText } from '../protocol/samples.ts'
import {
  appCompose,
  AT,
  challenge,
  contextFor,
  evidenceOf,
  machine,
  nonce,
  operator,
  registry,
  statementOf,
  type Changes,
} from './fixture.ts'

let platform: SimulatedPlatform
let td: SimulatedTd
let honest: EvidenceBundle

beforeAll(async () => {
  ;({ platform, td } = await machine())
  honest = decodeEvidence(await evidenceOf(td))
})

const zeros = new Uint8Array(32)
const attackersKey = new Uint8Array(32).fill(0x66)
const now = AT.getTime() / 1000
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** Verifies evidence of the TD under the context it should pass, changed where a test says so. */
async function judge(
  changes: Changes = {},
  context: Partial<VerificationContext> = {},
): Promise<Report> {
  return verifyEvidence(await evidenceOf(td, changes), contextFor(platform, td, context))
}

/** Judges a quote over chosen report data. */
function judgeReportData(reportData: Uint8Array): Promise<Report> {
  return judge({ reportData })
}

function keysetUntil(notAfter: number): string {
  return keysetText.replace(/"not_after":\d+/, `"not_after":${notAfter}`)
}

describe('freshness', () => {
  test('C1 replayed_report_rejected: evidence for one nonce under another', async () => {
    const evidence = await evidenceOf(td)
    expect((await verifyEvidence(evidence, contextFor(platform, td))).verdict.outcome).toBe(
      'verified',
    )
    const freshness: Freshness = { kind: 'challenge', nonce: `0x${'c8'.repeat(32)}` }
    const report = await verifyEvidence(evidence, { ...contextFor(platform, td), freshness })
    expect(failedChecks(report)).toEqual(['freshness'])
  })

  test('C1 nonceless_report_is_not_fresh: a second half of zeros is no answer to any nonce', async () => {
    const bindingId = fromHex(bindingIdOf(statementOf(td), registry))
    expect(failedChecks(await judgeReportData(concatBytes(bindingId, zeros)))).toEqual([
      'freshness',
    ])
  })

  test('C2 one nonce differs from another in every bit', async () => {
    const evidence = await evidenceOf(td)
    for (let bit = 0; bit < 256; bit += 17) {
      const other = fromHex(nonce)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const freshness: Freshness = { kind: 'challenge', nonce: toHex(other) }
      const report = await verifyEvidence(evidence, { ...contextFor(platform, td), freshness })
      expect(failedChecks(report), `bit ${bit}`).toEqual(['freshness'])
    }
  })

  test('C2 a nonce of another length is nobody’s, and is neither padded nor hashed', async () => {
    for (const short of ['0x', `0x${'c7'.repeat(16)}`, `0x${'c7'.repeat(33)}`] as const) {
      const freshness: Freshness = { kind: 'challenge', nonce: short }
      await expect(judge({}, { freshness }), short).rejects.toThrow(code('INPUT_HEX'))
    }
  })

  test('C3 caller_cannot_choose_report_data: the raw nonce in the second half', async () => {
    const bindingId = fromHex(bindingIdOf(statementOf(td), registry))
    const report = await judgeReportData(concatBytes(bindingId, fromHex(nonce)))
    expect(failedChecks(report)).toEqual(['freshness'])
    const chosen = await judgeReportData(concatBytes(fromHex(nonce), fromHex(nonce)))
    expect(failedChecks(chosen)).toEqual(['statement-binding', 'freshness'])
  })

  test('C4 dialect_confusion_matrix: a challenge is no registration and the reverse', async () => {
    // The same 32 bytes as nonce and as block hash: only the purpose tag tells them apart.
    const registration: Freshness = { kind: 'registration', blockNumber: 1n, blockHash: nonce }
    const later: Freshness = { ...registration, blockNumber: 2n }
    const all = [challenge, registration, later]
    for (const [made, proven] of all.entries()) {
      for (const [asked, freshness] of all.entries()) {
        const report = await judge({ freshness: proven }, { freshness })
        expect(failedChecks(report), `${made} as ${asked}`).toEqual(
          made === asked ? [] : ['freshness'],
        )
      }
    }
  })

  test('C4 dialect_confusion_matrix: report data of other dialects', async () => {
    const statement = statementOf(td)
    const bindingId = fromHex(bindingIdOf(statement, registry))
    const signer = fromHex(statement.signer)
    const fresh = freshnessHash(challenge, ZERO_DIGEST)
    const dialects: Readonly<Record<string, Uint8Array>> = {
      'padded address ‖ nonce': concatBytes(signer, new Uint8Array(12), fromHex(nonce)),
      'address word ‖ nonce': concatBytes(new Uint8Array(12), signer, fromHex(nonce)),
      'keyset digest ‖ nonce': concatBytes(fromHex(statement.keysetDigest), fromHex(nonce)),
      'one hash ‖ zeros': concatBytes(sha256(concatBytes(bindingId, fromHex(nonce))), zeros),
      'binding ‖ sha256(nonce)': concatBytes(bindingId, sha256(fromHex(nonce))),
      'halves swapped': concatBytes(fresh, bindingId),
      zeros: new Uint8Array(64),
    }
    for (const [dialect, data] of Object.entries(dialects)) {
      const failures = failedChecks(await judgeReportData(data))
      expect(failures.length, dialect).toBeGreaterThan(0)
      const objecting = ['statement-binding', 'freshness']
      expect(
        failures.filter((name) => !objecting.includes(name)),
        dialect,
      ).toEqual([])
    }
  })
})

describe('what the statement binds', () => {
  test('C5 unbound_key_rejected: every field of the statement, exchanged beside the quote', async () => {
    const statement = statementOf(td)
    const others = {
      agentId: 1n,
      operator: `0x${'66'.repeat(20)}`,
      signer: addressOf(attackersKey),
      keysetDigest: documentDigest('other'),
      modelCatalogDigest: documentDigest('other'),
      postureDigest: documentDigest('other'),
      gpuDevicesDigest: documentDigest('other'),
      instanceId: documentDigest('other'),
    } as const
    for (const [field, value] of Object.entries(others)) {
      const bundle = { statement: { ...statement, [field]: value } }
      expect(failedChecks(await judge({ bundle })), field).toContain('statement-binding')
    }
  })

  test('C5 unbound_key_rejected: documents with other keys, models or promises', async () => {
    const swapped = {
      keyset: honest.keyset.replace(/"public_key":"\w+"/, `"public_key":"${'66'.repeat(32)}"`),
      catalog: honest.catalog.replace('measured', 'declared'),
      posture: honest.posture.replace('"egress":[]', '"egress":["https://example.com"]'),
    }
    for (const document of ['keyset', 'catalog', 'posture'] as const) {
      const text = swapped[document]
      const check = document === 'catalog' ? 'model-catalog' : document
      expect(text).not.toBe(honest[document])
      const report = await judge({ bundle: { [document]: text } })
      expect(failedChecks(report), document).toEqual([check])
      expect(report.verdict).not.toHaveProperty('claims')
    }
  })

  test('C5 a document that hashes as stated but is not canonical or not of its shape', async () => {
    const documents = [
      ['keyset', 'keysetDigest', 'keyset', `${honest.keyset}\n`],
      ['keyset', 'keysetDigest', 'keyset', canonicalJson({ not_after: now + 60 })],
      ['catalog', 'modelCatalogDigest', 'model-catalog', '{"models":[],"v":1}'],
      ['posture', 'postureDigest', 'posture', honest.posture.replace('none', 'some')],
    ] as const
    for (const [document, digest, check, text] of documents) {
      const statement = { [digest]: documentDigest(text) }
      const report = await judge({ statement, bundle: { [document]: text } })
      expect(failedChecks(report), text).toEqual([check])
    }
  })

  test('C6 sibling_bundle_rejected: quote and statement of another replica', async () => {
    const sibling = launchTd(platform, { appCompose })
    const bundle = decodeEvidence(await evidenceOf(sibling))
    const evidence = encodeEvidence({ ...bundle, statement: honest.statement, quote: honest.quote })
    const report = await verifyEvidence(evidence, contextFor(platform, sibling))
    expect(failedChecks(report)).toEqual(['event-log'])
    // A statement that names the sibling, honestly quoted by this replica.
    const statement = { instanceId: bundle.statement.instanceId }
    expect(failedChecks(await judge({ statement }))).toEqual(['instance-identity'])
  })

  test('C7 same_image_other_owner_rejected: whoever is expected, one at a time', async () => {
    for (const expected of [
      { agentId: 1n, operator },
      { agentId: 0n, operator: `0x${'0b'.repeat(20)}` },
    ] as const) {
      expect(failedChecks(await judge({}, { expected }))).toEqual(['statement-identity'])
    }
    const checksummed: Hex = `0x${operator.slice(2).toUpperCase()}`
    expect(
      failedChecks(await judge({}, { expected: { agentId: 0n, operator: checksummed } })),
    ).toEqual([])
  })

  test('C11 not_after_bound, to the second', async () => {
    for (const [until, holds] of [
      [now - 1, false],
      [now, false],
      [now + 1, true],
      [now + MAX_KEYSET_LIFE_S, true],
      [now + MAX_KEYSET_LIFE_S + 1, false],
    ] as const) {
      const keyset = keysetUntil(until)
      const statement = { keysetDigest: documentDigest(keyset) }
      const report = await judge({ statement, bundle: { keyset } })
      expect(failedChecks(report), String(until - now)).toEqual(holds ? [] : ['keyset'])
    }
  })

  test('a registry on another chain, or another registry', async () => {
    const others: readonly ContractDomain[] = [
      { ...registry, chainId: 8453n },
      { ...registry, verifyingContract: `0x${'4f'.repeat(20)}` },
    ]
    for (const other of others) {
      expect(failedChecks(await judge({}, { registry: other }))).toEqual(['statement-binding'])
    }
  })

  test('a GPU is claimed and proven, or neither, and never accepted unjudged', async () => {
    const claimed = { statement: { gpuDevicesDigest: documentDigest('gpu') } }
    expect(failedChecks(await judge(claimed))).toEqual(['gpu-evidence'])
    const statement = { ...statementOf(td), ...claimed.statement }
    const gpuEvidence = utf8('evidence')
    const data = reportData(bindingIdOf(statement, registry), challenge, toHex(sha256(gpuEvidence)))
    const changes = { statement, reportData: data, bundle: { gpuEvidence } }
    expect(failedChecks(await judge(changes))).toEqual(['gpu-evidence'])
    // A policy that takes GPUs, and nobody to judge one.
    const policy = { ...policyOf(td), gpu: takesAnyGpu }
    const proven = await judge(changes, { policy })
    expect(failedChecks(proven)).toEqual([])
    expect(proven.verdict).toMatchObject({ reasons: [{ check: 'gpu-evidence' }] })
    expect(proven.verdict.outcome).toBe('refused')
  })
})

describe('values beside the quote', () => {
  test('C12 json_report_data_ignored: report data stated beside the quote has no place', async () => {
    const wanted = toHex(reportData(bindingIdOf(statementOf(td), registry), challenge, ZERO_DIGEST))
    const stated = JSON.stringify({ report_data: wanted.slice(2) })
    const report = await judge({ reportData: new Uint8Array(64), bundle: { vmConfig: stated } })
    expect(failedChecks(report)).toEqual(['statement-binding', 'freshness'])
  })

  test('C12 json_report_data_ignored: a member of that name is refused by the bundle itself', async () => {
    // A name of the same length, so that nothing else in the encoding changes.
    const evidence = await evidenceOf(td)
    const text = Buffer.from(evidence).toString('latin1')
    const renamed = Buffer.from(text.replace('vmConfig', 'reptData'), 'latin1')
    expect(() => decodeEvidence(new Uint8Array(renamed))).toThrow(
      expect.objectContaining({ name: 'ProtocolError' }),
    )
    await expect(
      verifyEvidence(new Uint8Array(renamed), contextFor(platform, td)),
    ).rejects.toThrow()
  })

  test('C12 wallet_signature_is_not_a_quote', async () => {
    const digest = bindingIdOf(statementOf(td), registry)
    const signature = fromHex(signDigest(digest, attackersKey))
    const bundle = honest
    for (const quote of [signature, utf8(toHex(signature))]) {
      const evidence = encodeEvidence({ ...bundle, quote })
      await expect(verifyEvidence(evidence, contextFor(platform, td))).rejects.toThrow(
        expect.objectContaining({ name: 'VerifierError' }),
      )
    }
  })

  test('C12 report data rewritten inside the quote, as dstack’s own simulator does', async () => {
    const { quote } = decodeEvidence(await evidenceOf(td, { reportData: new Uint8Array(64) }))
    const rewritten = quote.slice()
    const wanted = reportData(bindingIdOf(statementOf(td), registry), challenge, ZERO_DIGEST)
    rewritten.set(wanted, 568)
    const report = await judge({ bundle: { quote: rewritten } })
    expect(failedChecks(report)).toEqual(['quote-signature'])
  })
})
