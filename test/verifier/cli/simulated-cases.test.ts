import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { launchTd, type SimulatedPlatform } from '@jeju/simulator'
import { DEFAULT_QUOTE_POLICY } from '@jeju/verifier'
import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { AT, machine } from '../evidence/fixture.ts'
import { fileOf, jsonLines, pemOf, runCli, startCli } from './run-cli.ts'

/** Quotes that the simulator signs, and lines that are no cases. */

const now = AT.getTime() / 1000
let good: Record<string, unknown>
let debug: Record<string, unknown>
let platform: SimulatedPlatform

beforeAll(async () => {
  const made = await machine()
  ;({ platform } = made)
  const trustAnchor = pemOf(platform.rootCertificateDer)
  const collateral = JSON.parse(await platform.collateralJson(AT)) as unknown
  const debugTd = launchTd(platform, { appCompose: utf8('{}'), lies: { debug: true } })
  const caseOf = (id: string, quote: Uint8Array): Record<string, unknown> => ({
    id,
    quote: toBareHex(quote),
    collateral,
    now,
    trustAnchor,
  })
  good = caseOf('good', await made.td.quote(new Uint8Array(64)))
  debug = caseOf('debug', await debugTd.quote(new Uint8Array(64)))
})

const quoteOf = ({ quote }: Record<string, unknown>): string => String(quote)
const lines = (...cases: readonly unknown[]): string =>
  cases.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')

describe('tdx --json -', () => {
  test('genuine quotes: accepted, whatever policy says of them', async () => {
    const { code, stdout, stderr } = await runCli(
      ['tdx', '--json', '-'],
      lines(good, { ...good, id: 7, collateral: JSON.stringify(good['collateral']) }, debug),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [first, second, third] = jsonLines(stdout)
    expect(Object.keys(first ?? {})).toEqual([
      'id',
      'verdict',
      'code',
      'status',
      'advisoryIDs',
      'tcbDate',
      'tcbEvaluationDataNumber',
      'flags',
      'checks',
      'appraisal',
    ])
    expect(first).toMatchObject({
      id: 'good',
      verdict: 'accepted',
      code: null,
      status: 'UpToDate',
      advisoryIDs: [],
      tcbDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      flags: [],
      appraisal: { ok: true, failures: [] },
    })
    expect(second).toEqual({ ...first, id: 7 })
    expect(third).toMatchObject({ id: 'debug', verdict: 'accepted', flags: ['DEBUG'] })
    expect(third).toMatchObject({ appraisal: { ok: false, failures: [{ actual: 'DEBUG' }] } })
  })

  test('a failed check rejects, with its code', async () => {
    const signed = quoteOf(good)
    const flipped = `${signed.slice(0, 400)}${signed[400] === '0' ? '1' : '0'}${signed.slice(401)}`
    const { code, stdout } = await runCli(
      ['tdx', '--json', '-'],
      lines(
        good,
        { ...good, id: 'flipped', quote: flipped },
        { ...good, id: 'intel', trustAnchor: undefined },
        { ...good, id: 'late', now: now + 40 * 24 * 3600 },
        { ...good, id: 'again' },
      ),
    )
    expect(code).toBe(10)
    expect(jsonLines(stdout).map(({ id, verdict, code: why }) => [id, verdict, why])).toEqual([
      ['good', 'accepted', null],
      ['flipped', 'rejected', 'QUOTE_SIGNATURE_INVALID'],
      ['intel', 'rejected', 'PCK_CHAIN_UNTRUSTED'],
      ['late', 'rejected', expect.stringMatching(/_EXPIRED$/)],
      ['again', 'accepted', null],
    ])
  })

  test('lines that are no cases are malformed, each with a code, and the next line is judged', async () => {
    const policy = { ...DEFAULT_QUOTE_POLICY, v: 2 }
    const { code, stdout, stderr } = await runCli(
      ['tdx', '--json', '-'],
      lines(
        '{"id":"open',
        '',
        '[]',
        'null',
        '{"id":"twice","id":"twice"}',
        { id: 'empty' },
        { ...good, id: 'odd hex', quote: quoteOf(good).slice(1) },
        { ...good, id: 'short', quote: quoteOf(good).slice(0, 100) },
        { ...good, id: 'no time', now: undefined },
        { ...good, id: 'NaN', now: 'NaN' },
        { ...good, id: 'null time', now: null },
        { ...good, id: 'huge time', now: 1e300 },
        { ...good, id: 'no collateral', collateral: undefined },
        { ...good, id: 'collateral text', collateral: '{' },
        { ...good, id: 'no root', trustAnchor: 'PEM' },
        { ...good, id: 'policy', policy },
        { ...good, id: ['a', 'list'] },
        good,
      ),
    )
    expect({ code, stderr }).toEqual({ code: 30, stderr: '' })
    expect(jsonLines(stdout).map(({ id, verdict, code: why }) => [id, verdict, why])).toEqual([
      [null, 'malformed', 'INPUT_JSON'],
      [null, 'malformed', 'INPUT_FIELD'],
      [null, 'malformed', 'INPUT_FIELD'],
      [null, 'malformed', 'INPUT_JSON'],
      ['empty', 'malformed', 'INPUT_FIELD'],
      ['odd hex', 'malformed', 'INPUT_FIELD'],
      ['short', 'malformed', 'INPUT_TRUNCATED'],
      ['no time', 'malformed', 'TIME_INVALID'],
      ['NaN', 'malformed', 'TIME_INVALID'],
      ['null time', 'malformed', 'TIME_INVALID'],
      ['huge time', 'malformed', 'TIME_INVALID'],
      ['no collateral', 'malformed', 'COLLATERAL_INVALID'],
      ['collateral text', 'malformed', 'COLLATERAL_INVALID'],
      ['no root', 'malformed', 'TRUST_ANCHOR_INVALID'],
      ['policy', 'malformed', 'INPUT_FIELD'],
      [null, 'accepted', null],
      ['good', 'accepted', null],
    ])
    for (const { verdict, checks, appraisal } of jsonLines(stdout)) {
      if (verdict !== 'malformed') continue
      expect(checks).toMatchObject([{ name: 'input', status: 'failed' }])
      expect(appraisal).toMatchObject({ ok: false })
    }
  })

  test('a line is answered before the next one comes', async () => {
    const child = startCli(['tdx', '--json', '-'])
    const { stdin, stdout } = child
    if (stdin === null || stdout === null) throw new Error('no pipes')
    const answers = createInterface({ input: stdout })[Symbol.asyncIterator]()
    for (const id of ['one', 'two']) {
      stdin.write(`${JSON.stringify({ ...good, id })}\n`)
      const { value } = await answers.next()
      expect(JSON.parse(String(value))).toMatchObject({ id, verdict: 'accepted' })
    }
    stdin.end()
    expect(await once(child, 'close')).toEqual([0, null])
  })
})

describe('tdx FILE', () => {
  test('flags stand in for what a case does not say', async () => {
    const bare = fileOf(
      'bare.json',
      JSON.stringify({ ...good, now: undefined, trustAnchor: undefined }),
    )
    const anchor = fileOf('root.der', platform.rootCertificateDer)
    const policy = fileOf(
      'policy.json',
      JSON.stringify({
        ...DEFAULT_QUOTE_POLICY,
        measurements: { ...DEFAULT_QUOTE_POLICY.measurements, mrSeams: [] },
      }),
    )
    const flags = ['--at', AT.toISOString(), '--anchor', anchor, '--anchor-name', 'bench']
    const { code, stdout } = await runCli(['tdx', ...flags, '--policy', policy, bare])
    expect(code).toBe(0)
    expect(stdout).toContain('good: accepted  UpToDate')
    expect(stdout).toContain('anchor  bench')
    expect(stdout).toContain('measurements.mrSeams')
    // Not a terminal: no colours.
    expect(stdout).not.toContain('\u001b')
  })

  test('a failed check is drawn with what was expected and what came', async () => {
    const path = fileOf('case.json', JSON.stringify({ ...good, id: 'a\u001b[2Jb', now: 0 }))
    const second = fileOf('cases.jsonl', lines(good, good))
    const { code, stdout } = await runCli(['tdx', path, second])
    expect(code).toBe(10)
    expect(stdout).toContain('a\\u{1b}[2Jb: rejected  PCK_CERT_NOT_YET_VALID')
    expect(stdout).toMatch(
      /FAILED +pck-chain.*\n.*expected {2}.* valid at 1970-01-01.*\n.*actual {4}/,
    )
    expect(stdout.match(/good: accepted/g)).toHaveLength(2)
  })
})
