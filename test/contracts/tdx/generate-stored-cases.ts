import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeStoredCases } from './stored-cases.ts'

/** `npm run -s generate:onchain`: writes what the tests of the contracts read. */

const folder = fileURLToPath(new URL('../../../contracts/test/tdx/vectors/', import.meta.url))
mkdirSync(folder, { recursive: true })
for (const [name, bytes] of Object.entries(await writeStoredCases())) {
  writeFileSync(join(folder, name), bytes)
}
