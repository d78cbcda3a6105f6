import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundleForBrowser, type BrowserBundle } from '../../browser-bundle.ts'

async function bundleOf(name: string): Promise<BrowserBundle> {
  return bundleForBrowser(fileURLToPath(new URL(name, import.meta.url)))
}

test('quotes, collateral and event logs: at most 35 kB for a browser, without a module of Node', async () => {
  const { modules, foreign, gzipBytes } = await bundleOf('entry-quotes.ts')
  expect(foreign).toEqual([])
  expect(modules.some((id) => id.endsWith('verifier/src/tdx/quote-verifier.ts'))).toBe(true)
  expect(modules.some((id) => id.endsWith('verifier/src/dstack/check-event-log.ts'))).toBe(true)
  expect(gzipBytes).toBeLessThanOrEqual(35_000)
})

// Apart, because the chain of a KMS is signed with secp256k1 over Keccak, and no Web Crypto has either: whoever asks
// for custody pays for a curve in JavaScript, and whoever judges quotes alone must not.
test('with key custody: at most 45 kB, and the curve is in this part alone', async () => {
  const { modules, foreign, gzipBytes } = await bundleOf('entry-custody.ts')
  expect(foreign).toEqual([])
  expect(gzipBytes).toBeLessThanOrEqual(45_000)
  const curves = (ids: readonly string[]): boolean => ids.some((id) => id.includes('@noble/curves'))
  expect(curves(modules)).toBe(true)
  expect(curves((await bundleOf('entry-quotes.ts')).modules)).toBe(false)
})
