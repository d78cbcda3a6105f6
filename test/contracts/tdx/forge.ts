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

/** Plays a test contract of contracts/test/tdx on these cases, whose file an environment variable names. */
export function playCases(
  testFile: string,
  variable: 'TDX_CASES' | 'TDX_GAS_CASES',
  cases: readonly OnchainCase[],
  ...options: readonly string[]
): ForgeRun {
  // forge may read there.
  const folder = mkdtempSync(join(tmpdir(), 'jeju-tdx-'))
  try {
    const file = join(folder, 'cases.abi')
    writeFileSync(file, encodeCases(cases))
    const args = ['forge', 'test', '--match-path', `test/tdx/${testFile}`, ...options]
    const output = execFileSync('npx', args, {
      cwd: contracts,
      env: { ...process.env, [variable]: file },
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
