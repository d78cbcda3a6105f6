import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generatedFiles } from '../../contracts/tools/generate/abi-files.ts'

const folder = new URL('../../contracts/abi/generated/', import.meta.url)

// If this fails, run `npm run generate:abi` and commit what it writes.
it('T1 abi_matches_artifacts: ABIs, enums and signed types are those of the contracts', () => {
  const stored = readdirSync(folder).map((name) => [
    name,
    readFileSync(new URL(name, folder), 'utf8'),
  ])
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(generatedFiles()))
})
