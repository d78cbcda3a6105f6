import { describe, expect, test } from 'vitest'
import { intelTrustAnchor, type QuoteCheckName } from '@jeju/verifier'
import { haveVectors, vectorBytes } from '../vectors.ts'
import { judge } from './judge.ts'
import {
  bundleOf,
  comparable,
  forgedCases,
  inputsOf,
  matrixRows,
  recordedQuotes,
} from './recorded.ts'

/** Checks that may object to a case recorded for a stage. */
const CHECKS_OF_STAGE: Readonly<Record<string, readonly QuoteCheckName[]>> = {
  quoteSignature: ['quote-signature'],
  qeReport: ['qe-report-binding', 'qe-report-signature'],
  pckChain: ['pck-chain'],
  rootCrl: ['pck-revocation', 'tcb-info'],
  pckCrl: ['pck-revocation'],
  tcbInfoSigner: ['tcb-info'],
  tcbInfo: ['tcb-info'],
  qeIdentity: ['qe-identity', 'tcb-status'],
  tdxModule: ['tdx-module', 'tcb-status'],
  tcbLevel: ['tcb-status'],
}

describe.runIf(haveVectors)('the verdict of the library of Intel', () => {
  const files = new Map(
    haveVectors ? recordedQuotes().map(({ id, file }) => [id, file] as const) : [],
  )

  test('B3 tcb_status_visible: status, advisories, dates and numbers of every row', async () => {
    const rows = matrixRows()
    expect(rows.length).toBeGreaterThan(400)
    for (const row of rows) {
      const context = { trustAnchor: intelTrustAnchor(), at: new Date(row.now * 1000) }
      const quote = vectorBytes('tdx', files.get(row.quote) ?? '')
      const { found } = await judge(quote, bundleOf(row), context)
      expect(found, row.id).toMatchObject(comparable(row.expect))
    }
  })
})

describe.runIf(haveVectors)('forged and edge cases', () => {
  const cases = haveVectors ? forgedCases() : []

  test.each(cases.filter((forged) => forged.expect.verdict !== 'any'))('$id', async (forged) => {
    const { quote, bundle, ...context } = inputsOf(forged)
    const { found, report } = await judge(quote, bundle, context)
    expect(found).toMatchObject(comparable(forged.expect))
    const objecting = CHECKS_OF_STAGE[forged.expect.stage ?? '']
    if (objecting === undefined || report === undefined) return
    const failed = report.checks.flatMap((check) => (check.status === 'failed' ? [check] : []))
    expect(objecting).toContain(failed[0]?.name)
    expect(failed.every(({ expected, actual }) => expected !== '' && actual !== '')).toBe(true)
  })

  test('C17 a chain in the bundle is let be: the platform is that of the quote', async () => {
    const forged = cases.find(({ id }) => id.startsWith('C17-'))
    if (forged === undefined) throw new Error('no such case')
    const { quote, bundle, ...context } = inputsOf(forged)
    const { pck_certificate_chain: _, ...rest } = JSON.parse(bundle)
    const { found } = await judge(quote, bundle, context)
    expect(found).toEqual((await judge(quote, JSON.stringify(rest), context)).found)
  })
})

describe.runIf(haveVectors)('B14 quote_mutation_sweep', () => {
  const base = 'A00-base-v4'

  test('no flipped byte of a quote verifies', async () => {
    const forged = forgedCases().find(({ id }) => id === base)
    if (forged === undefined) throw new Error('no base case')
    const { quote, bundle, ...context } = inputsOf(forged)
    for (let index = 0; index < quote.length; index += index < 1_200 ? 1 : 3) {
      const changed = quote.slice()
      changed[index] = (changed[index] ?? 0) ^ 0x01
      const { found } = await judge(changed, bundle, context)
      expect(found.verdict, `byte ${index}`).toBe('reject')
    }
  })

  test('no flipped character of its collateral verifies', async () => {
    const forged = forgedCases().find(({ id }) => id === base)
    if (forged === undefined) throw new Error('no base case')
    const { quote, bundle, ...context } = inputsOf(forged)
    const { pck_certificate_chain: _, ...members } = JSON.parse(bundle) as Record<string, string>
    for (const [member, text] of Object.entries(members)) {
      for (let index = 0; index < text.length; index += 7) {
        const code = text.charCodeAt(index) ^ 0x01
        const changed = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
        const { found } = await judge(quote, { ...members, [member]: changed }, context)
        expect(found.verdict, `${member} at ${index}`).toBe('reject')
      }
    }
  })
})
