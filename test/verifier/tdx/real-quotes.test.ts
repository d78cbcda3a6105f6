import { describe, expect, test } from 'vitest'
import { encodeQuote, intelTrustAnchor, parseQuote, verifyQuote } from '@jeju/verifier'
import { toBareHex } from '@jeju/verifier/protocol'
import { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'
import { recordedQuotes } from './recorded.ts'

describe.runIf(haveVectors)('quotes of real machines', () => {
  const quotes = haveVectors ? recordedQuotes() : []

  test.each(quotes)('$id parses to what others read in it', ({ file, parsed }) => {
    const bytes = vectorBytes('tdx', file)
    const quote = parseQuote(bytes, { trailing: 'none' })
    expect(encodeQuote(quote)).toEqual(bytes)
    const { version, body, signature } = quote
    expect(version).toBe(parsed.version)
    const { td15, rtmrs, ...registers } = body
    for (const [field, value] of Object.entries({ ...registers, ...td15 })) {
      expect(toBareHex(value), field).toEqual(parsed.body[field])
    }
    expect(rtmrs.map(toBareHex)).toEqual(parsed.body['rtmr'])
    expect(toBareHex(signature.qeReport.mrSigner)).toBe(parsed.qeReport.mrSigner)
    expect(signature.qeReport.isvSvn).toBe(parsed.qeReport.isvSvn)
    expect(toBareHex(signature.qeAuthData)).toBe(parsed.qeAuth)
  })

  const certified = quotes.flatMap(({ pck, ...quote }) => (pck ? [{ ...quote, pck }] : []))

  test.each(certified)('B9 real_quotes_accepted: $id', async ({ file, root, pck }) => {
    const at = new Date(Date.parse(pck.notBefore) + 24 * 3600 * 1000)
    const trustAnchor = intelTrustAnchor()
    const { checks } = await verifyQuote(vectorBytes('tdx', file), undefined, { at, trustAnchor })
    const statuses = Object.fromEntries(checks.map(({ name, status }) => [name, status]))
    expect(statuses).toMatchObject({
      'quote-signature': 'passed',
      'qe-report-binding': 'passed',
      // Below a chain that ends in another root no leaf is believed.
      'qe-report-signature': root === 'intel' ? 'passed' : 'skipped',
      'pck-chain': root === 'intel' ? 'passed' : 'failed',
      'pck-revocation': 'skipped',
      'tcb-status': 'skipped',
    })
  })

  test('A9 sgx_quote_for_tdx_rejected', () => {
    const bytes = vectorBytes('onchain', 'quotes', 'v3-sgx.bin')
    expect(() => parseQuote(bytes)).toThrow(
      expect.objectContaining({ code: 'QUOTE_VERSION_UNSUPPORTED' }),
    )
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
