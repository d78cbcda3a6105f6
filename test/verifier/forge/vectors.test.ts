import { describe, expect, test } from 'vitest'
import { QUOTE_CHECKS } from '@jeju/verifier'
import { toBareHex } from '@jeju/verifier/protocol'
import { judgeCase, judgeWith, verifierOf } from './judge-case.ts'
import { storedCases, storedTexts } from './stored-vectors.ts'
import { writeVectors } from './write-vectors.ts'

/** Vectors signed again under a root of ours (test/vectors/tdx/README.md): they need nothing but the repository. */

const cases = storedCases()

describe.each([...new Set(cases.map(({ area }) => area))])('%s', (area) => {
  test.each(cases.filter((stored) => stored.area === area))('$id', async (stored) => {
    expect(await judgeCase(stored.inputs())).toEqual(stored.expect)
  })
})

test('one verifier gives the same verdicts, whatever it has kept of the cases before', async () => {
  const verifiers = new Map<string, ReturnType<typeof verifierOf>>()
  for (const { id, inputs, expect: wanted } of [...cases, ...cases.toReversed()]) {
    const { rootCertificateDer, ...rest } = inputs()
    const root = toBareHex(rootCertificateDer)
    const verifier = verifiers.get(root) ?? verifierOf(rootCertificateDer)
    verifiers.set(root, verifier)
    expect(await judgeWith(verifier, rest), id).toEqual(wanted)
  }
})

test('some case is refused by each check, and some by each way of not reading the input', () => {
  const refusing = cases.flatMap(({ expect: { verdict, ...wanted } }) =>
    verdict === 'refused' && 'objections' in wanted ? Object.keys(wanted.objections) : [],
  )
  expect(QUOTE_CHECKS.filter((name) => !refusing.includes(name))).toEqual([])
})

test('the generator still writes what is stored', async () => {
  expect(await writeVectors()).toEqual(storedTexts())
})
