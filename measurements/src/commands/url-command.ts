import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../root.ts'

/**
 * Judges a running node with the release's policy, by the verifier's own command line: `jeju-verify url`. What is
 * behind `--url` are its flags.
 */
export function measureNode(url: string, flags: readonly string[]): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      join(root, 'verifier/src/cli/main.ts'),
      'url',
      `--policy=${join(root, 'measurements/policy.json')}`,
      ...flags,
      url,
    ],
    { stdio: 'inherit' },
  )
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}
