import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSimulatedPlatform } from '@jeju/simulator'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { bytesToHex } from 'viem'
import { describe, expect, test } from 'vitest'
import { publishCollateral } from '../../../simulator/src/pki/collateral.ts'
import { encodeTdReport, TD_ATTRIBUTES } from '../../../simulator/src/quote/td-report.ts'
import { haveVectors } from '../../verifier/vectors.ts'
import { playCases } from './forge.ts'
import { onchainCaseOf, REFUSED } from './onchain-case.ts'
import { writeStoredCases } from './stored-cases.ts'
import {
  forgedSuite,
  recordedForgeries,
  recordedOnchainCases,
  recordedSuite,
  type Suite,
} from './suites.ts'

/** Contracts and SDK give the same verdict: I16 of the contracts' invariants. */

const FIVE_MINUTES = 300_000
const stored = fileURLToPath(new URL('../../../contracts/test/tdx/vectors/', import.meta.url))

function play({ cases }: Pick<Suite, 'cases'>): void {
  const { passed, output } = playCases('verdicts', cases)
  expect(passed, output).toBe(true)
}

test('what the tests of the contracts read is what the simulator writes', async () => {
  for (const [name, bytes] of Object.entries(await writeStoredCases())) {
    expect(bytesToHex(new Uint8Array(readFileSync(join(stored, name)))), name).toBe(
      bytesToHex(bytes),
    )
  }
})

test('16 every forged quote and bundle', { timeout: FIVE_MINUTES }, async () => {
  const suite = await forgedSuite()
  expect(suite.cases.length).toBeGreaterThan(800)
  expect(suite.cases.filter(({ expected }) => expected !== REFUSED).length).toBeGreaterThan(100)
  expect(suite.withoutForm.length).toBeLessThan(suite.cases.length / 6)
  play(suite)
})

test('16 a simulated machine with its service', { timeout: FIVE_MINUTES }, async () => {
  const at = new Date('2026-06-15T12:00:00Z')
  const platform = await createSimulatedPlatform({ at, seed: 'on chain' })
  const register = new Uint8Array(48).fill(0x17)
  const made = await onchainCaseOf({
    id: 'simulated',
    quote: platform.quotingEnclave.quote(
      encodeTdReport({
        tdAttributes: TD_ATTRIBUTES,
        mrTd: register,
        mrConfigId: register,
        rtmrs: [register, register, register, register],
        reportData: new Uint8Array(64),
      }),
    ),
    bundle: await platform.collateralJson(at),
    trustAnchor: simulatedTrustAnchor('simulated', platform.rootCertificateDer),
    at,
  })
  if (made === undefined) throw new Error('no form on chain')
  const { evaluationNumbers } = await publishCollateral(platform.pki, at)
  expect(made.expected).toBe(0)
  play({
    cases: [
      {
        ...made,
        numbers: bytesToHex(new TextEncoder().encode(evaluationNumbers.text)),
        numbersSignature: bytesToHex(evaluationNumbers.signature),
      },
    ],
  })
})

describe.runIf(haveVectors)('16 recorded evidence', () => {
  test('every quote of a real machine', { timeout: FIVE_MINUTES }, async () => {
    const suite = await recordedSuite()
    expect(suite.cases.length).toBeGreaterThan(400)
    expect(suite.withoutForm).toEqual([])
    play(suite)
  })

  test('every forged and edge case', { timeout: FIVE_MINUTES }, async () => {
    play(await recordedForgeries())
  })

  test('the vectors whose cost is published', { timeout: FIVE_MINUTES }, () => {
    // At their standard evaluation number; and 29 what is of another kind, or older, does not get in.
    play({ cases: recordedOnchainCases() })
  })

  test('the published cost is that of the recorded vectors', { timeout: FIVE_MINUTES }, () => {
    const options = ['--gas-snapshot-check=true']
    const run = playCases('gas', recordedOnchainCases(), ...options)
    expect(run.passed, run.output).toBe(true)
  })
})
