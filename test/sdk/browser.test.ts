import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { expect, test } from 'vitest'

test('the package root bundles for browsers, without a module of Node', async () => {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@jeju/source', 'browser', 'module', 'import'] },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('../../sdk/src/index.ts', import.meta.url)),
        formats: ['es'],
      },
    },
  })
  const chunks = [result]
    .flat()
    .flatMap((bundle) => ('output' in bundle ? bundle.output : []))
    .filter((output) => output.type === 'chunk')
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds)
  expect(modules.length).toBeGreaterThan(20)
  expect(modules.filter((id) => id.includes('browser-external'))).toEqual([])
  const own = new Set(chunks.map(({ fileName }) => fileName))
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
  expect(imports.filter((name) => !own.has(name))).toEqual([])
})
