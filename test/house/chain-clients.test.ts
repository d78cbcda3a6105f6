import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// Whoever is asked about the chain decides what is answered, and never who is asked next: no client of ours follows an RPC's
// redirect or a contract's OffchainLookup (attack F5). A new place that makes one is a decision, and not an accident.

const root = fileURLToPath(new URL('../..', import.meta.url))
const ROOMS = ['sdk/src', 'gateway/src', 'verifier/src', 'demo', 'contracts/tools', 'bench']

const sources = ROOMS.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({
      file: `${room}/${file}`,
      text: readFileSync(join(root, room, file), 'utf8'),
    })),
)

/** Every call of a function by its plain name: the file and what stands between its parentheses. */
function callsOf(name: RegExp): readonly { readonly file: string; readonly given: string }[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(new RegExp(`(?<![\\w.])(?:${name.source})\\(`, 'g'))].map((found) => {
      const start = found.index + found[0].length
      return { file, given: text.slice(start, endOfCall(text, start)) }
    }),
  )
}

function endOfCall(text: string, start: number): number {
  let depth = 1
  let at = start
  for (; depth > 0 && at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')') depth--
  }
  return at
}

const filesOf = (calls: readonly { readonly file: string }[]): readonly string[] =>
  [...new Set(calls.map(({ file }) => file))].toSorted()

test('F5 transports are made in these files, without redirects', () => {
  const calls = callsOf(/http|webSocket|ipc/)
  expect(filesOf(calls)).toEqual([
    'contracts/tools/deploy/deploy.ts',
    'demo/network/rpc.ts',
    'gateway/src/chain/rpc-services.ts',
    'sdk/src/chain/viem-client.ts',
  ])
  for (const { file, given } of calls) expect(given, file).toContain('fetchOptions')
  for (const file of filesOf(calls)) {
    const { text = '' } = sources.find((source) => source.file === file) ?? {}
    expect(text, file).toMatch(/fetchOptions(: | = )\{ redirect: 'error' \}/)
  }
})

test('F5 clients are made in these files, without lookups', () => {
  const calls = callsOf(/createPublicClient|createWalletClient/)
  expect(filesOf(calls)).toEqual([
    'contracts/tools/deploy/deploy.ts',
    'demo/network/allow-list.ts',
    'demo/network/network.ts',
    'demo/network/rpc.ts',
    'gateway/src/chain/viem-gateway-chain.ts',
    'gateway/src/chain/viem-settlements.ts',
    'sdk/src/chain/viem-client.ts',
  ])
  for (const { file, given } of calls) expect(given, file).toContain('ccipRead: false')
})

test('F5 the SDK reads with no wallet as it was given', () => {
  const reading = sources.filter(
    ({ file, text }) => file.startsWith('sdk/') && text.includes('publicActions('),
  )
  expect(filesOf(reading)).toEqual(['sdk/src/chain/viem-client.ts'])
  expect(reading[0]?.text).toContain('publicActions({ ...wallet, ccipRead: false })')
})
