import { beforeAll, describe, expect, test } from 'vitest'
import { parseQuote, type Check, type TdReport } from '@jeju/verifier'
import { checkTdAttributes } from '../../../verifier/src/tdx/check-td-attributes.ts'
import { machine } from '../evidence/fixture.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

let good: TdReport

beforeAll(async () => {
  const { td } = await machine()
  good = parseQuote(await td.quote(new Uint8Array(64))).body
})

const bytesOf = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, true)
  return bytes
}

const SEPT_VE_DISABLE = 1n << 28n
const XFAM = 0x602e7n

const attributes = (value: bigint): Check =>
  checkTdAttributes({ ...good, tdAttributes: bytesOf(value) })
const xfam = (value: bigint): Check => checkTdAttributes({ ...good, xfam: bytesOf(value) })
const fault = (check: Check): string => (check.status === 'failed' ? check.actual : '')

describe('A8 td_attributes_table', () => {
  // Intel TDX Module 1.5 ABI: what a relying party may meet beside SEPT_VE_DISABLE.
  const harmless = new Set([16, 27, 28, 30, 31, 62, 63])

  test.each(Array.from({ length: 64 }, (_, bit) => bit))('TDATTRIBUTES bit %i', (bit) => {
    const check = attributes(SEPT_VE_DISABLE | (1n << BigInt(bit)))
    expect(check.status).toBe(harmless.has(bit) ? 'passed' : 'failed')
    if (bit < 8) expect(fault(check)).toContain('DEBUG or profiling')
    else if (bit === 29) expect(fault(check)).toContain('MIGRATABLE')
    else if (!harmless.has(bit)) expect(fault(check)).toContain('reserved TDATTRIBUTES')
  })

  test('A8 td_debug_rejected', () => {
    expect(fault(attributes(SEPT_VE_DISABLE | 1n))).toContain('DEBUG')
  })

  test('SEPT_VE_DISABLE clear', () => {
    expect(fault(attributes(0n))).toBe('SEPT_VE_DISABLE clear')
  })

  test('every fault is named, not only the first', () => {
    const check = checkTdAttributes({
      ...good,
      tdAttributes: bytesOf(1n | (1n << 29n) | (1n << 40n)),
      xfam: bytesOf(1n << 63n),
      mrSignerSeam: new Uint8Array(48).fill(1),
      seamAttributes: new Uint8Array(8).fill(1),
    })
    expect(fault(check).split('; ')).toHaveLength(8)
  })

  const knownXfam = new Set([0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18])

  test.each(Array.from({ length: 64 }, (_, bit) => bit))('XFAM bit %i', (bit) => {
    expect(xfam(3n | (1n << BigInt(bit))).status).toBe(knownXfam.has(bit) ? 'passed' : 'failed')
  })

  test('x87 and SSE are both needed', () => {
    for (const low of [0n, 1n, 2n]) {
      expect(fault(xfam((XFAM & ~3n) | low))).toBe('XFAM[1:0] not 3')
    }
  })

  test('MRSIGNERSEAM and SEAMATTRIBUTES: each byte', () => {
    for (const field of ['mrSignerSeam', 'seamAttributes'] as const) {
      for (let index = 0; index < good[field].length; index++) {
        const changed = new Uint8Array(good[field].length)
        changed[index] = 0x80
        expect(checkTdAttributes({ ...good, [field]: changed }).status).toBe('failed')
      }
    }
  })
})

interface RecordedFlags {
  readonly id: string
  readonly file: string
  readonly flags: readonly string[]
  readonly parsed: { readonly version: number }
}

interface AppraisalCase {
  readonly id: string
  readonly base: string
  readonly quote: string
  readonly expect: { readonly appraisal?: string }
}

describe.runIf(haveVectors)('A8 recorded and forged quotes', () => {
  const quotes = (haveVectors ? vectorJson('tdx', 'quotes.json') : []) as readonly RecordedFlags[]
  const version4 = quotes.filter(({ parsed }) => parsed.version === 4)

  test.each(version4)('$id: refused exactly for a flag that refuses', ({ file, flags }) => {
    const { body } = parseQuote(vectorBytes('tdx', file))
    const refuses = flags.includes('SEPT_VE_DISABLE=0')
    expect(checkTdAttributes(body).status).toBe(refuses ? 'failed' : 'passed')
  })

  const cases = (
    haveVectors ? vectorJson('tdx', 'forged', 'cases.json') : []
  ) as readonly AppraisalCase[]
  const appraised = cases.filter((c) => c.base === 'v4' && c.expect.appraisal !== undefined)

  test.each(appraised)('$id', ({ quote, expect: { appraisal } }) => {
    const { body } = parseQuote(vectorBytes('tdx', 'forged', quote))
    expect(checkTdAttributes(body).status).toBe(appraisal === 'reject' ? 'failed' : 'passed')
  })
})
