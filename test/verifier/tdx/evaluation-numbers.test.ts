import { beforeAll, describe, expect, test } from 'vitest'
import { chainOf, createForge, pem, type Forge, type Forgery } from '@jeju/simulator/forge'
import {
  evaluationNumberOf,
  intelTrustAnchor,
  parseCollateral,
  simulatedTrustAnchor,
  verifyEvaluationNumbers,
  type EvaluationNumbersReport,
  type SignedEvaluationNumbers,
} from '@jeju/verifier'
import { fromBareHex } from '@jeju/verifier/protocol'
import { parseTcbInfo } from '../../../verifier/src/tdx/collateral/tcb-info.ts'
import { haveVectors, vectorBytes, vectorText } from '../vectors.ts'
import { bundleOf, matrixRows } from './recorded.ts'

const AT = new Date('2029-06-01T12:00:00Z')
const DAY_MS = 24 * 3600 * 1000
/** Of the latest list that was recorded. */
const LIST_ISSUED = Date.parse('2025-10-13T11:17:10Z')
const LIST = {
  id: 'TDX',
  version: 1,
  issueDate: '2029-05-31T12:00:00Z',
  nextUpdate: '2029-06-30T12:00:00Z',
  tcbEvalNumbers: [
    entry(19, '2028-06-02T00:00:00Z'),
    entry(18, '2028-06-01T12:00:00Z'),
    entry(17, '2027-11-09T00:00:00Z'),
  ],
}

function entry(tcbEvaluationDataNumber: unknown, tcbRecoveryEventDate: string): object {
  return { tcbEvaluationDataNumber, tcbRecoveryEventDate, tcbDate: tcbRecoveryEventDate }
}

let forge: Forge

beforeAll(async () => {
  forge = await createForge('evaluation numbers', AT)
})

/** The list signed and chained as the forge signs and chains TCB info. */
function listOf({ tcbInfo, ...forgery }: Forgery = {}): SignedEvaluationNumbers {
  const { bundle } = forge.make({ ...forgery, tcbInfo: { value: () => LIST, ...tcbInfo } })
  return {
    evaluationNumbers: bundle.tcb_info,
    evaluationNumbersSignature: fromBareHex(bundle.tcb_info_signature),
    evaluationNumbersIssuerChain: bundle.tcb_info_issuer_chain,
    rootCaCrl: fromBareHex(bundle.root_ca_crl),
  }
}

const verify = (list: SignedEvaluationNumbers, at = AT): Promise<EvaluationNumbersReport> => {
  const { rootCertificateDer } = forge.make({})
  const trustAnchor = simulatedTrustAnchor('forge', rootCertificateDer)
  return verifyEvaluationNumbers(list, { at, trustAnchor })
}

async function codeOf(list: SignedEvaluationNumbers, at = AT): Promise<string | undefined> {
  const { check, numbers } = await verify(list, at)
  expect(numbers === undefined).toBe(check.status !== 'passed')
  return check.status === 'failed' ? check.code : check.status
}

const saying = (change: object): SignedEvaluationNumbers =>
  listOf({ tcbInfo: { value: () => ({ ...LIST, ...change }) } })

describe('a list that was signed', () => {
  test('is read, the highest number first whatever the order', async () => {
    const { check, numbers } = await verify(
      saying({ tcbEvalNumbers: LIST.tcbEvalNumbers.toReversed() }),
    )
    expect(check).toMatchObject({ status: 'passed', evidence: { numbers: [19, 18, 17] } })
    expect(numbers).toMatchObject({
      issueDate: Date.parse(LIST.issueDate),
      nextUpdate: Date.parse(LIST.nextUpdate),
      numbers: [
        {
          tcbEvaluationDataNumber: 19,
          tcbRecoveryEventDate: Date.parse('2028-06-02T00:00:00Z'),
          tcbDate: Date.parse('2028-06-02T00:00:00Z'),
        },
        { tcbEvaluationDataNumber: 18 },
        { tcbEvaluationDataNumber: 17 },
      ],
    })
  })

  test('standard is the highest number of which the recovery event lies twelve months back', async () => {
    const { numbers } = await verify(listOf())
    if (numbers === undefined) throw new Error('refused')
    const standardAt = (at: string): number | undefined =>
      evaluationNumberOf(numbers, 'standard', new Date(at))
    expect(standardAt('2028-11-08T23:59:59Z')).toBeUndefined()
    expect(standardAt('2028-11-09T00:00:00Z')).toBe(17)
    expect(standardAt('2029-06-01T11:59:59.999Z')).toBe(17)
    expect(standardAt('2029-06-01T12:00:00Z')).toBe(18)
    expect(standardAt('2029-06-02T00:00:00Z')).toBe(19)
    expect(evaluationNumberOf(numbers, 'early', AT)).toBe(19)
  })
})

describe('a list that is refused', () => {
  test('a changed byte, another key, no signature', async () => {
    const served = (text: string): string =>
      text.replace('"tcbEvaluationDataNumber":19', '"tcbEvaluationDataNumber":29')
    expect(await codeOf(listOf({ tcbInfo: { served } }))).toBe('COLLATERAL_SIGNATURE_INVALID')
    const spaced = (text: string): string => text.replace('{', '{ ')
    expect(await codeOf(listOf({ tcbInfo: { served: spaced } }))).toBe(
      'COLLATERAL_SIGNATURE_INVALID',
    )
    expect(await codeOf(listOf({ tcbInfo: { signedBy: 'attacker' } }))).toBe(
      'COLLATERAL_SIGNATURE_INVALID',
    )
    expect(await codeOf(listOf({ tcbInfo: { signature: 'zero' } }))).toBe(
      'COLLATERAL_SIGNATURE_INVALID',
    )
  })

  test.each<[string, object, string]>([
    ['of SGX', { id: 'SGX' }, 'COLLATERAL_FORMAT'],
    ['of a quoting enclave', { id: 'TD_QE' }, 'COLLATERAL_FORMAT'],
    ['of another version', { version: 2 }, 'COLLATERAL_VERSION_UNSUPPORTED'],
    ['without numbers', { tcbEvalNumbers: [] }, 'COLLATERAL_FORMAT'],
    ['with numbers that are no list', { tcbEvalNumbers: {} }, 'COLLATERAL_FORMAT'],
    [
      'with one number twice',
      { tcbEvalNumbers: [entry(19, LIST.issueDate), entry(19, LIST.nextUpdate)] },
      'COLLATERAL_FORMAT',
    ],
    [
      'with a number in quotes',
      { tcbEvalNumbers: [entry('19', LIST.issueDate)] },
      'COLLATERAL_FORMAT',
    ],
    [
      'with a number below zero',
      { tcbEvalNumbers: [entry(-1, LIST.issueDate)] },
      'COLLATERAL_FORMAT',
    ],
    [
      'with a date that is none',
      { tcbEvalNumbers: [entry(19, '2028-02-30T00:00:00Z')] },
      'COLLATERAL_FORMAT',
    ],
    [
      'with a date of another form',
      { tcbEvalNumbers: [entry(19, '2028-02-03')] },
      'COLLATERAL_FORMAT',
    ],
    ['without an end', { nextUpdate: undefined }, 'COLLATERAL_FORMAT'],
  ])('%s', async (_what, change, code) => {
    expect(await codeOf(saying(change))).toBe(code)
  })

  test('TCB info in its place', async () => {
    const { bundle } = forge.make({})
    const list = {
      ...listOf(),
      evaluationNumbers: bundle.tcb_info,
      evaluationNumbersSignature: fromBareHex(bundle.tcb_info_signature),
    }
    expect(await codeOf(list)).toBe('COLLATERAL_VERSION_UNSUPPORTED')
  })

  test('E19 a member twice, at the top or below', async () => {
    for (const text of [
      (json: string) => json.replace('{"id":"TDX"', '{"id":"SGX","id":"TDX"'),
      (json: string) => json.replace('"tcbDate"', '"tcbEvaluationDataNumber":18,"tcbDate"'),
      (json: string) => json.replace('"version":1', '"version":1,"versio\\u006e":1'),
    ]) {
      expect(await codeOf(listOf({ tcbInfo: { text } }))).toBe('COLLATERAL_DUPLICATE_MEMBER')
    }
  })

  test('before its issue and after its nextUpdate', async () => {
    const times = [
      ['2029-05-31T11:59:59Z', 'COLLATERAL_NOT_YET_VALID'],
      ['2029-05-31T12:00:00Z', 'passed'],
      ['2029-06-30T11:59:59Z', 'passed'],
      ['2029-06-30T12:00:01Z', 'COLLATERAL_EXPIRED'],
    ] as const
    for (const [at, code] of times) expect(await codeOf(listOf(), new Date(at))).toBe(code)
  })

  test('signed by a key of another role, with a chain to the same root', async () => {
    for (const role of ['leaf', 'intermediate', 'root'] as const) {
      const list = listOf({
        chains: { tcbInfo: (pki) => chainOf(pki, role, 'root') },
        tcbInfo: { signedBy: role },
      })
      expect(await codeOf(list)).toBe('COLLATERAL_SIGNER_INVALID')
    }
  })

  test('B12 the same names under another root', async () => {
    const theirs = listOf({
      certificates: { root: { key: 'attacker' }, signer: { key: 'attacker' } },
      tcbInfo: { signedBy: 'attacker' },
    })
    expect(await codeOf(theirs)).toBe('COLLATERAL_SIGNER_INVALID')
    const trustAnchor = intelTrustAnchor()
    const { check } = await verifyEvaluationNumbers(listOf(), { at: AT, trustAnchor })
    expect(check).toMatchObject({ status: 'failed', code: 'COLLATERAL_SIGNER_INVALID' })
  })

  test('B1 a signer that the root has revoked, and a list of the root that says nothing', async () => {
    const rootCrl: Forgery['rootCrl'] = {
      fields: (usual, pki) => ({
        ...usual,
        entries: [{ serial: pki.signer.fields.serial, date: AT }],
      }),
    }
    expect(await codeOf(listOf({ rootCrl }))).toBe('COLLATERAL_SIGNER_REVOKED')
    expect(await codeOf({ ...listOf(), rootCaCrl: new Uint8Array(0) })).toBe('CRL_INVALID')
    expect(await codeOf(listOf({ rootCrl: { signedBy: 'attacker' } }))).toBe(
      'CRL_SIGNATURE_INVALID',
    )
    const { bundle } = forge.make({})
    const ofCa = fromBareHex(bundle.pck_crl)
    expect(await codeOf({ ...listOf(), rootCaCrl: ofCa })).toBe('CRL_ISSUER_MISMATCH')
  })

  test('B11 every_error_refuses: what only looks like a list is refused with a code', async () => {
    const lookAlikes: readonly unknown[] = [
      null,
      {},
      'text',
      { ...listOf(), evaluationNumbers: undefined },
      { ...listOf(), evaluationNumbers: '\ud800' },
      { ...listOf(), evaluationNumbersSignature: 'aa' },
      { ...listOf(), evaluationNumbersIssuerChain: 1 },
      { ...listOf(), rootCaCrl: 'aa' },
    ]
    for (const lookAlike of lookAlikes) {
      await expect(verify(lookAlike as SignedEvaluationNumbers)).rejects.toMatchObject({
        code: 'COLLATERAL_INVALID',
      })
    }
    await expect(verify(listOf(), new Date(Number.NaN))).rejects.toMatchObject({
      code: 'TIME_INVALID',
    })
  })
})

describe.runIf(haveVectors)('lists that Intel has published', () => {
  const recorded = (set: string, kind = 'tdx'): SignedEvaluationNumbers => {
    const path = ['onchain', 'collateral', set] as const
    const der = (name: string): Uint8Array => vectorBytes('onchain', 'pki', `${name}.der`)
    return {
      evaluationNumbers: vectorText(...path, `tcb-eval-${kind}.signed`),
      evaluationNumbersSignature: vectorBytes(...path, `tcb-eval-${kind}.sig`),
      evaluationNumbersIssuerChain: pem(der('tcb-signing-2025')) + pem(der('root-ca')),
      rootCaCrl: vectorBytes('onchain', 'crl', 'root-2025-03-20.der'),
    }
  }
  const judge = (list: SignedEvaluationNumbers, at: string): Promise<EvaluationNumbersReport> =>
    verifyEvaluationNumbers(list, { at: new Date(at), trustAnchor: intelTrustAnchor() })

  test.each([
    ['2025-06', '2025-06-05T12:00:00Z', [19, 18, 17]],
    ['2025-10', '2025-10-21T00:00:00Z', [20, 19, 18, 17, 16, 15, 14, 13]],
  ])('of %s is genuine', async (set, at, wanted) => {
    const { check, numbers } = await judge(recorded(set), at)
    expect(check).toMatchObject({ status: 'passed', evidence: { numbers: wanted } })
    expect(numbers && evaluationNumberOf(numbers, 'early', new Date(at))).toBe(wanted[0])
    expect(numbers && evaluationNumberOf(numbers, 'standard', new Date(at))).toBe(17)
  })

  test('TCB info issued since carries the number that the rule calls standard, a day late at most', async () => {
    const { numbers } = await judge(recorded('2025-10'), '2025-10-21T00:00:00Z')
    const standardAt = (at: number): number | undefined =>
      numbers && evaluationNumberOf(numbers, 'standard', new Date(at))
    const texts = new Set(matrixRows().map((row) => parseCollateral(bundleOf(row)).tcbInfo))
    const since = [...texts].map(parseTcbInfo).filter(({ issueDate }) => issueDate >= LIST_ISSUED)
    for (const { issueDate, tcbEvaluationDataNumber } of since) {
      const then = [standardAt(issueDate - DAY_MS), standardAt(issueDate)]
      expect(then, new Date(issueDate).toISOString()).toContain(tcbEvaluationDataNumber)
    }
    const found = new Set(since.map((info) => info.tcbEvaluationDataNumber))
    expect([...found].toSorted((one, other) => one - other)).toEqual([17, 18, 19, 20])
  })

  test('that of SGX, after its end, and with a flipped byte: refused', async () => {
    const at = '2025-06-05T12:00:00Z'
    const codeAt = async (list: SignedEvaluationNumbers, time = at): Promise<unknown> => {
      const { check } = await judge(list, time)
      return check.status === 'failed' ? check.code : check.status
    }
    expect(await codeAt(recorded('wrong-kind', 'sgx'))).toBe('COLLATERAL_FORMAT')
    expect(await codeAt(recorded('2025-06'), '2025-07-06T00:00:00Z')).toBe('COLLATERAL_EXPIRED')
    const list = recorded('2025-06')
    const [first = 0] = list.evaluationNumbersSignature
    const evaluationNumbersSignature = list.evaluationNumbersSignature.with(0, first ^ 1)
    expect(await codeAt({ ...list, evaluationNumbersSignature })).toBe(
      'COLLATERAL_SIGNATURE_INVALID',
    )
  })
})
