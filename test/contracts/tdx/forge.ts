import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeCases } from './case-file.ts'
import type { OnchainCase } from './onchain-case.ts'

const contracts = fileURLToPath(new URL('../../../contracts', import.meta.url))

/** What forge printed. */
export interface ForgeRun {
  readonly passed: boolean
  readonly output: string
}

/** Tests of contracts/ that read a file of cases, the variable that names it, and how they are compiled. */
const READERS = {
  verdicts: { path: 'test/tdx/Differential.t.sol', variable: 'TDX_CASES', profile: 'default' },
  /** As what is deployed. */
  gas: { path: 'test/gas/Tdx.t.sol', variable: 'TDX_GAS_CASES', profile: 'release' },
} as const

/** Plays a test contract on these cases. */
export function playCases(
  reader: keyof typeof READERS,
  cases: readonly OnchainCase[],
  ...options: readonly string[]
): ForgeRun {
  const { path, variable, profile } = READERS[reader]
  // forge may read there.
  const folder = mkdtempSync(join(tmpdir(), 'jeju-tdx-'))
  try {
    const file = join(folder, 'cases.abi')
    writeFileSync(file, encodeCases(cases))
    const args = ['forge', 'test', '--match-path', path, ...options]
    const output = execFileSync('npx', args, {
      cwd: contracts,
      env: { ...process.env, FOUNDRY_PROFILE: profile, [variable]: file },
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return { passed: true, output }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { passed: false, output: `${stdout}\n${stderr}` }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
