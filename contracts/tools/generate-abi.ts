// Writes abi/generated/*.ts (run `npm run generate:abi`). The files are committed, so that no package needs Foundry to
// compile; test/contracts/abi-matches-artifacts.test.ts fails when they fall behind.
import { mkdirSync, writeFileSync } from 'node:fs'
import { generatedFiles } from './generate/abi-files.ts'

const folder = new URL('../abi/generated/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of generatedFiles()) writeFileSync(new URL(name, folder), text)
