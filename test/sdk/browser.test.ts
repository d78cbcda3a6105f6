import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundleForBrowser } from '../browser-bundle.ts'

test('the package root bundles for browsers, without a module of Node', async () => {
  const entry = fileURLToPath(new URL('../../sdk/src/index.ts', import.meta.url))
  const { modules, foreign } = await bundleForBrowser(entry)
  expect(modules.length).toBeGreaterThan(20)
  // The library of HPKE asks for Node's only where there is no Web Crypto, which no browser and no Node of ours lacks.
  expect(foreign).toEqual(['__vite-browser-external:crypto'])
})

test('what judges GPUs is loaded when a policy takes them, and not before', async () => {
  const entry = fileURLToPath(new URL('../../sdk/src/index.ts', import.meta.url))
  const { modules, initialModules } = await bundleForBrowser(entry)
  const isGpuVerifier = (id: string): boolean => id.endsWith('verifier/src/gpu/gpu-verifier.ts')
  expect(modules.filter(isGpuVerifier)).toHaveLength(1)
  expect(initialModules.filter(isGpuVerifier)).toEqual([])
  expect(initialModules.length).toBeGreaterThan(100)
})
