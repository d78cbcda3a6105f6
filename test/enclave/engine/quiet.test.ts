import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('under tsx, load, answer and close print nothing and let the process end', async () => {
  const script = fileURLToPath(new URL('quiet-run.ts', import.meta.url))
  const flags = ['--conditions=@jeju/source', '--import', 'tsx', script]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, flags)
  expect({ stdout, stderr }).toEqual({ stdout: '7 * 8 = 56', stderr: '' })
})
