import { describe, expect, test } from 'vitest'
import { intelTrustAnchor, parseQuote, simulatedTrustAnchor, VerifierError } from '@jeju/verifier'
import { ProtocolError, toBareHex } from '@jeju/verifier/protocol'
import { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
import { checkPckChain } from '../../../verifier/src/tdx/check-pck-chain.ts'
import {
  checkQeReportBinding,
  checkQeReportSignature,
  checkQuoteSignature,
} from '../../../verifier/src/tdx/check-quote.ts'
import type { TrustAnchor } from '../../../verifier/src/tdx/trust-anchor.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

interface RecordedQuote {
  readonly id: string
  readonly file: string
  readonly root: string
  readonly parsed: {
    readonly version: number
    readonly body: Readonly<Record<string, string | readonly string[]>>
    readonly qeReport: { readonly mrSigner: string; readonly isvSvn: number }
    readonly qeAuth: string
  }
  /** Null where the quote carries no real PCK certificate. */
  readonly pck: { readonly notBefore: string } | null
}

interface ForgedCase {
  readonly id: string
  readonly base: string
  readonly quote: string
  readonly now: number
  readonly trustAnchor: string
  readonly expect: { readonly verdict: string; readonly stage?: string }
}

/** Statuses of the four signature checks, or the code of what could not be read. */
async function judge(
  quoteBytes: Uint8Array,
  anchor: TrustAnchor,
  at: Date,
): Promise<readonly string[]> {
  try {
    const quote = parseQuote(quoteBytes)
    const chain = await checkPckChain(quote.signature.pckChainPem, anchor, at)
    const checks = [
      await checkQuoteSignature(quote),
      checkQeReportBinding(quote),
      await checkQeReportSignature(quote, chain.leaf),
      chain.check,
    ]
    return checks.map(({ status }) => status)
  } catch (error) {
    if (error instanceof VerifierError || error instanceof ProtocolError) return [error.code]
    throw error
  }
}

/** Cases about the SGX extension, which only the TCB comparison reads; that is not made yet. */
const SGX_EXTENSION = /^C(31|33|37|39|43)-/

const ALL_PASSED = ['passed', 'passed', 'passed', 'passed']

/** Which of the four checks may object at a recorded stage. */
const CHECKS_OF_STAGE: Readonly<Record<string, readonly number[]>> = {
  quoteSignature: [0],
  qeReport: [1, 2],
  pckChain: [3],
}

describe.runIf(haveVectors)('quotes of real machines', () => {
  const quotes = (haveVectors ? vectorJson('tdx', 'quotes.json') : []) as readonly RecordedQuote[]
  const version4 = quotes.flatMap(({ pck, ...quote }) =>
    quote.parsed.version === 4 && pck !== null ? [{ ...quote, pck }] : [],
  )
  const others = quotes.filter(({ parsed }) => parsed.version !== 4)

  test.each(version4)('B9 real_quotes_accepted: $id', async ({ file, root, pck, parsed }) => {
    const bytes = vectorBytes('tdx', file)
    const at = new Date(Date.parse(pck.notBefore) + 24 * 3600 * 1000)
    const statuses = await judge(bytes, intelTrustAnchor(), at)
    expect(statuses.slice(0, 3)).toEqual(['passed', 'passed', 'passed'])
    expect(statuses[3]).toBe(root === 'intel' ? 'passed' : 'failed')

    const { body, signature } = parseQuote(bytes)
    for (const [field, value] of Object.entries(body)) {
      const actual: unknown = Array.isArray(value)
        ? value.map((register: Uint8Array) => toBareHex(register))
        : toBareHex(value as Uint8Array)
      expect(actual, field).toEqual(parsed.body[field === 'rtmrs' ? 'rtmr' : field])
    }
    expect(toBareHex(signature.qeReport.mrSigner)).toBe(parsed.qeReport.mrSigner)
    expect(signature.qeReport.isvSvn).toBe(parsed.qeReport.isvSvn)
    expect(toBareHex(signature.qeAuthData)).toBe(parsed.qeAuth)
  })

  test.each(others)('version 5 is refused by name: $id', ({ file }) => {
    expect(() => parseQuote(vectorBytes('tdx', file))).toThrow(
      expect.objectContaining({ code: 'QUOTE_VERSION_UNSUPPORTED' }),
    )
  })

  test('A9 sgx_quote_for_tdx_rejected', () => {
    const bytes = vectorBytes('onchain', 'quotes', 'v3-sgx.bin')
    expect(() => parseQuote(bytes)).toThrow(
      expect.objectContaining({ code: 'QUOTE_VERSION_UNSUPPORTED' }),
    )
  })

  const stages = ['parse', 'pckChain', 'qeReport', 'quoteSignature']
  const cases = (
    haveVectors ? vectorJson('tdx', 'forged', 'cases.json') : []
  ) as readonly ForgedCase[]
  const rejected = cases.filter(
    ({ id, expect: { verdict, stage } }) =>
      verdict === 'reject' && stages.includes(stage ?? '') && !SGX_EXTENSION.test(id),
  )
  const accepted = cases.filter(({ expect: { verdict } }) => verdict === 'accept')

  const anchorOf = ({ trustAnchor }: ForgedCase): TrustAnchor =>
    trustAnchor === 'intel'
      ? intelTrustAnchor()
      : simulatedTrustAnchor('forged', vectorBytes('tdx', 'forged', trustAnchor))

  test.each(rejected)('forged case $id is refused', async (forged) => {
    const bytes = vectorBytes('tdx', 'forged', forged.quote)
    const statuses = await judge(bytes, anchorOf(forged), new Date(forged.now * 1000))
    expect(statuses).not.toEqual(ALL_PASSED)
    if (forged.base === 'v5' || forged.expect.stage === 'parse') {
      expect(statuses).toEqual([expect.stringMatching(/^(QUOTE|INPUT)_/)])
      return
    }
    const objecting = CHECKS_OF_STAGE[forged.expect.stage ?? ''] ?? []
    expect(objecting.map((index) => statuses[index])).toContain('failed')
  })

  test.each(accepted)('edge case $id is genuine, or of an unsupported version', async (edge) => {
    const bytes = vectorBytes('tdx', 'forged', edge.quote)
    const statuses = await judge(bytes, anchorOf(edge), new Date(edge.now * 1000))
    expect([ALL_PASSED, ['QUOTE_VERSION_UNSUPPORTED']]).toContainEqual(statuses)
  })

  test('B14 quote_mutation_sweep: no flipped byte of a quote verifies', async () => {
    const id = version4[0]
    if (id === undefined) throw new Error('no quote')
    const bytes = vectorBytes('tdx', id.file)
    const at = new Date(Date.parse(id.pck.notBefore) + 24 * 3600 * 1000)
    // Two of three bytes of the PEM text are skipped: each flip there costs a certificate parse.
    for (let index = 0; index < bytes.length; index += index < 1_200 ? 1 : 3) {
      const changed = bytes.slice()
      changed[index] = (changed[index] ?? 0) ^ 0x01
      const statuses = await judge(changed, intelTrustAnchor(), at)
      expect(statuses, `byte ${index}`).not.toEqual(ALL_PASSED)
    }
  })
})

describe.runIf(haveVectors)('event logs of real machines', () => {
  const ids = ['cbdb5b2f12b9a09b', '1d0342e36191193b', '1876d048e04c29e9', 'b9e238b2bd963237']

  test.each([...ids, '0cf4820f47fa346f', 'e1f54b3dc60ed73a'])('%s replays to its RTMR3', (id) => {
    const log = JSON.stringify(vectorJson('tdx', 'eventlogs', `${id}.eventlog.json`))
    const { body } = parseQuote(vectorBytes('tdx', 'quotes', `${id}.bin`))
    const { check, platform } = checkEventLog(log, body.rtmrs[3])
    expect(check.status).toBe('passed')
    expect(platform?.map(({ name }) => name)).toContain('compose-hash')
  })
})
