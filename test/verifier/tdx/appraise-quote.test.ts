import { beforeAll, describe, expect, test } from 'vitest'
import {
  appraiseQuote,
  DEFAULT_QUOTE_POLICY,
  parseCollateral,
  parseQuote,
  parseQuotePolicy,
  QuoteVerifier,
  simulatedTrustAnchor,
  tdFlags,
  TCB_STATUSES,
  type GenuineQuote,
  type QuotePolicy,
  type TcbStatus,
} from '@jeju/verifier'
import { toHex } from '@jeju/verifier/protocol'
import { AT, machine } from '../evidence/fixture.ts'
import { haveVectors } from '../vectors.ts'
import { forgedCases, inputsOf } from './recorded.ts'

let genuine: GenuineQuote

beforeAll(async () => {
  const { platform, td } = await machine()
  const verifier = new QuoteVerifier(simulatedTrustAnchor('tests', platform.rootCertificateDer))
  const collateral = parseCollateral(await platform.collateralJson(AT))
  const report = await verifier.verify(await td.quote(new Uint8Array(64)), collateral, AT)
  if (report.genuine === undefined) throw new Error(JSON.stringify(report.checks))
  genuine = report.genuine
})

/** The rules that object. */
function rules(changes: Partial<QuotePolicy>, of: GenuineQuote = genuine, at = AT): string[] {
  const { failures } = appraiseQuote(of, { ...DEFAULT_QUOTE_POLICY, ...changes }, at)
  return failures.map(({ rule }) => rule)
}

const withStatus = (status: TcbStatus, advisoryIds: readonly string[] = []): GenuineQuote => ({
  ...genuine,
  tcb: { ...genuine.tcb, status, advisoryIds },
})

test('the default takes an up-to-date production TD, and is a policy that can be written', () => {
  expect(appraiseQuote(genuine, DEFAULT_QUOTE_POLICY, AT)).toEqual({ ok: true, failures: [] })
  const written: unknown = JSON.parse(JSON.stringify(DEFAULT_QUOTE_POLICY))
  expect(parseQuotePolicy(written)).toEqual(DEFAULT_QUOTE_POLICY)
})

describe('B3 tcb_policy_table', () => {
  test.each(TCB_STATUSES)('%s', (status) => {
    const expected = status === 'UpToDate' ? [] : ['tcb.statuses']
    expect(rules({}, withStatus(status))).toEqual(expected)
    const tcb = { ...DEFAULT_QUOTE_POLICY.tcb, statuses: [status] }
    expect(rules({ tcb }, withStatus(status))).toEqual([])
    expect(rules({ tcb: { ...tcb, statuses: [] } }, withStatus(status))).toEqual(['tcb.statuses'])
  })

  test('another status is tolerated until its day, with the advisories that were named', () => {
    const tolerated = [
      { status: 'OutOfDate', advisoryIDs: ['INTEL-SA-1'], until: '2029-02-20T00:00:00Z' },
    ] as const
    const tcb = { ...DEFAULT_QUOTE_POLICY.tcb, tolerated }
    const old = withStatus('OutOfDate', ['INTEL-SA-1'])
    expect(rules({ tcb }, old)).toEqual([])
    expect(rules({ tcb }, old, new Date(AT.getTime() + 1))).toEqual(['tcb.statuses'])
    expect(rules({ tcb }, withStatus('OutOfDate', ['INTEL-SA-2']))).toEqual(['tcb.statuses'])
    expect(rules({ tcb }, withStatus('SWHardeningNeeded', ['INTEL-SA-1']))).toHaveLength(1)
  })

  test('dates and numbers', () => {
    const { tcb } = DEFAULT_QUOTE_POLICY
    const minEvaluationDataNumber = genuine.tcb.tcbEvaluationDataNumber + 1
    expect(rules({ tcb: { ...tcb, minEvaluationDataNumber } })).toHaveLength(1)
    expect(rules({ tcb: { ...tcb, minTcbDate: '2099-01-01T00:00:00Z' } })).toHaveLength(1)
  })
})

test('registers that are not listed', () => {
  const { mrTd, mrSeam, mrConfigId, rtmrs } = genuine.quote.body
  const [rtmr0, rtmr1, rtmr2] = rtmrs.map(toHex)
  if (rtmr0 === undefined || rtmr1 === undefined || rtmr2 === undefined) throw new Error('rtmrs')
  const image = { mrtd: toHex(mrTd), rtmr0, rtmr1, rtmr2 }
  const listed = {
    mrSeams: [toHex(mrSeam)],
    mrConfigIds: [toHex(mrConfigId)],
    osImages: [image],
  }
  expect(rules({ measurements: listed })).toEqual([])
  const none = { mrSeams: [], mrConfigIds: [], osImages: [{ ...image, rtmr2: rtmr1 }] }
  expect(rules({ measurements: none })).toEqual([
    'measurements.mrSeams',
    'measurements.mrConfigIds',
    'measurements.osImages',
  ])
})

test('A8 a service TD is taken only where it is listed', () => {
  const td15 = { teeTcbSvn2: new Uint8Array(16), mrServiceTd: new Uint8Array(48).fill(7) }
  const { quote } = genuine
  const bound = { ...genuine, quote: { ...quote, body: { ...quote.body, td15 } } }
  expect(rules({}, bound)).toEqual(['td.mrServiceTd'])
  const td = { ...DEFAULT_QUOTE_POLICY.td, mrServiceTds: [toHex(td15.mrServiceTd)] }
  expect(rules({ td }, bound)).toEqual([])
})

test.each([
  { v: 2 },
  { tcb: { ...DEFAULT_QUOTE_POLICY.tcb, statuses: ['Revoked'] } },
  { tcb: { ...DEFAULT_QUOTE_POLICY.tcb, minTcbDate: '2029-01-01' } },
  { tcb: { ...DEFAULT_QUOTE_POLICY.tcb, minEvaluationDataNumber: -1 } },
  { td: { ...DEFAULT_QUOTE_POLICY.td, attributes: ['DEBUG'] } },
  { td: { ...DEFAULT_QUOTE_POLICY.td, attributes: ['MIGRATABLE'] } },
  { td: { attributes: [], septVeDisable: 'required' } },
  { measurements: { mrSeams: 'all', mrConfigIds: 'any', osImages: 'any' } },
  { more: 1 },
])('a policy that says something else: %j', (changes) => {
  expect(() => parseQuotePolicy({ ...DEFAULT_QUOTE_POLICY, ...changes })).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^INPUT_/) as unknown }),
  )
})

describe.runIf(haveVectors)('recorded flags', () => {
  const cases = haveVectors ? forgedCases().filter(({ id }) => id.startsWith('G-')) : []

  test.each(cases)('A8 td_attributes_table: $id', async (forged) => {
    const { quote, bundle, trustAnchor, at } = inputsOf(forged)
    const wanted = forged.expect as { appraisal?: string; flags?: readonly string[] }
    const names = tdFlags(parseQuote(quote).body).map(({ name }) => name)
    for (const flag of wanted.flags ?? []) expect(names).toContain(flag)
    const verifier = new QuoteVerifier(trustAnchor)
    const report = await verifier.verify(quote, parseCollateral(bundle), at)
    if (report.genuine === undefined) throw new Error('not genuine')
    const { ok } = appraiseQuote(report.genuine, DEFAULT_QUOTE_POLICY, at)
    expect(ok).toBe(wanted.appraisal !== 'reject')
  })
})
