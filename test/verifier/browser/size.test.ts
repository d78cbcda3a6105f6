import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundleForBrowser, type BrowserBundle } from '../../browser-bundle.ts'

async function bundleOf(name: string): Promise<BrowserBundle> {
  return bundleForBrowser(fileURLToPath(new URL(name, import.meta.url)))
}

const isCurve = (id: string): boolean => /@noble\/(curves|secp256k1)\//.test(id)

test('all of TDX and dstack, custody of keys included: at most 35 kB for a browser, without a module of Node', async () => {
  const { modules, foreign, gzipBytes } = await bundleOf('entry-tdx-dstack.ts')
  expect(foreign).toEqual([])
  for (const part of ['tdx/quote-verifier.ts', 'dstack/check-key-custody.ts']) {
    expect(modules.some((id) => id.endsWith(`verifier/src/${part}`))).toBe(true)
  }
  expect(gzipBytes).toBeLessThanOrEqual(35_000)
})

// The chain of a KMS is signed with secp256k1, which no Web Crypto has; whoever judges quotes alone must not pay for it.
test('one curve in JavaScript, and none without custody', async () => {
  const { modules } = await bundleOf('entry-tdx-dstack.ts')
  const curves = modules.filter(isCurve)
  expect(curves).toHaveLength(1)
  expect(curves[0]).toMatch(/@noble\/secp256k1\/index\.js$/)
  expect((await bundleOf('entry-quotes.ts')).modules.filter(isCurve)).toEqual([])
})

// A page that judges GPUs judges the quote beside them too: what counts is what GPUs add to it.
test('NVIDIA GPUs: at most 15 kB more, and tokens of the service are paid for by those who read them', async () => {
  const quotes = await bundleOf('entry-quotes.ts')
  const gpus = await bundleOf('entry-quotes-gpu.ts')
  expect(gpus.foreign).toEqual([])
  expect(gpus.modules.some((id) => id.endsWith('verifier/src/gpu/gpu-verifier.ts'))).toBe(true)
  expect(gpus.gzipBytes - quotes.gzipBytes).toBeLessThanOrEqual(15_000)
  const isJose = (id: string): boolean => id.includes('/jose/')
  expect(gpus.modules.filter(isJose)).toEqual([])
  const all = await bundleOf('entry-gpu.ts')
  expect(all.foreign).toEqual([])
  expect(all.modules.some(isJose)).toBe(true)
  // Whoever verifies nodes without GPUs carries nothing of it but the policy's reader.
  const own = quotes.modules.filter((id) => id.includes('verifier/src/gpu/'))
  expect(own).toEqual([])
})
