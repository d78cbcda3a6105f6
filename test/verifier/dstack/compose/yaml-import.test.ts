import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../../../../verifier/src', import.meta.url))
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
const importing = (pattern: RegExp): readonly string[] =>
  files.filter((file) => pattern.test(readFileSync(join(source, file), 'utf8'))).toSorted()

test('one file narrows the YAML library', () => {
  expect(importing(/from 'yaml'/)).toEqual(['dstack/compose/compose-yaml.ts'])
})

test('who does not lint does not load it', () => {
  expect(importing(/^import \{[^}]*\} from '[^']*compose-yaml\.ts'/m)).toEqual([
    'dstack/compose/lint-compose.ts',
  ])
  expect(importing(/from '[^']*lint-compose\.ts'/)).toEqual([])
})
