import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playCases } from '../../test/contracts/tdx/forge.ts'
import { recordedOnchainCases } from '../../test/contracts/tdx/suites.ts'
import { haveVectors } from '../../test/verifier/vectors.ts'

/** What the project aims at, in gas of a whole transaction; the table says where it is not there yet. */
const PROMISED: Readonly<Record<string, number>> = {
  'check v4': 75_000,
  'check v5 dense': 90_000,
  'first contact: PCK certificate, then check v4': 330_000,
  'TCB info': 450_000,
  'attest with its check, first, dense v4': 150_000,
  'renew with its check, dense v4': 90_000,
}

/** Gas of one step. */
interface Cost {
  readonly gas: number
  readonly promised?: number
}

/**
 * Verification on chain by the rules that Base runs, each step a transaction of its own, of what is deployed. `recorded` is of
 * quotes and collateral of real machines, where they are at hand, and written to contracts/snapshots; the promises are about
 * those. The others are read there: `npm run gas` writes them, and tests compare.
 */
export function benchGas(): Record<string, unknown> {
  if (haveVectors) {
    const { passed, output } = playCases('gas', recordedOnchainCases(), '--gas-snapshot-emit=true')
    if (!passed) throw new Error(output)
  }
  const figures = {
    simulated: snapshot('TdxSimulated'),
    registration: snapshot('TdxAttestationVerifier'),
    ...(haveVectors && { recorded: snapshot('TdxRecorded') }),
  }
  for (const [set, costs] of Object.entries(figures)) process.stderr.write(table(set, costs))
  return figures
}

function snapshot(name: string): Readonly<Record<string, Cost>> {
  const path = fileURLToPath(new URL(`../../contracts/snapshots/${name}.json`, import.meta.url))
  const gas = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, string>>
  return Object.fromEntries(
    Object.entries(gas).map(([step, text]) => {
      const promised = PROMISED[step]
      return [step, { gas: Number(text), ...(promised !== undefined && { promised }) }]
    }),
  )
}

function table(set: string, costs: Readonly<Record<string, Cost>>): string {
  const rows = Object.entries(costs).map(([step, { gas, promised }]) => {
    const bound = promised === undefined ? '' : `  ≤ ${promised.toLocaleString('en')}`
    return `  ${step.padEnd(46)}${gas.toLocaleString('en').padStart(11)}${bound}\n`
  })
  return `${set}\n${rows.join('')}`
}
