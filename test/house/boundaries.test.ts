import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The linter holds the boundaries; this says the one that matters most in plain words.

const root = fileURLToPath(new URL('../..', import.meta.url))

test.each(['verifier', 'enclave', 'gateway', 'sdk', 'contracts'])(
  'nothing under %s imports the simulator',
  (room) => {
    const folder = join(root, room, room === 'contracts' ? 'abi' : 'src')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const importing = files
      .filter((file) => file.endsWith('.ts'))
      .filter((file) =>
        /(from|import\()\s*['"][^'"]*simulator/.test(readFileSync(join(folder, file), 'utf8')),
      )
    expect(importing).toEqual([])
  },
)
