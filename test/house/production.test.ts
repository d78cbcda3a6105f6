import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toHex } from '@jeju/verifier/protocol'
import { mnemonicToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'

// What goes to others, and how what is said of it is tested, looked at as text.

const root = fileURLToPath(new URL('../..', import.meta.url))
const JUNK = 'test test test test test test test test test test test junk'
/** Accounts that Anvil and Hardhat fund; everybody has their keys. */
const PUBLIC_KEYS = Array.from({ length: 20 }, (_, addressIndex) => {
  const { privateKey } = mnemonicToAccount(JUNK, { addressIndex }).getHdKey()
  if (privateKey === null) throw new Error('no key')
  return toHex(privateKey).slice(2)
})

function files(...patterns: readonly string[]): readonly { file: string; text: string }[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  })
  const names = listed.split('\n').filter((name) => name !== '' && !name.endsWith('.gguf'))
  return names.map((file) => ({ file, text: readFileSync(`${root}${file}`, 'utf8') }))
}

test('N13 no_test_key_in_production_build: neither a key that everybody has, nor any other', () => {
  const products = files('enclave', 'gateway', 'sdk', 'verifier', 'contracts/src', 'contracts/abi')
  expect(products.length).toBeGreaterThan(500)
  const found = products.filter(({ text }) => {
    const lower = text.toLowerCase()
    return (
      PUBLIC_KEYS.some((key) => lower.includes(key)) ||
      lower.includes(JUNK) ||
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/.test(text) ||
      /(from|import\()\s*['"]@jeju\/simulator/.test(text)
    )
  })
  expect(found.map(({ file }) => file)).toEqual([])
})

test('T7 no_skip_no_exit: no test skips itself or ends its process', () => {
  const own = 'test/house/production.test.ts'
  const tests = files('test').filter(({ file }) => file.endsWith('.test.ts') && file !== own)
  expect(tests.length).toBeGreaterThan(200)
  const skips =
    /\b(test|it|describe)\.(skip|only|todo|fails|skipIf)\b|\b(ctx|context)\.skip\(|^\s*process\.exit\(/m
  expect(tests.filter(({ text }) => skips.test(text)).map(({ file }) => file)).toEqual([])
})

test('F9 verifier_makes_no_implicit_requests: who asks is named by its folder, and is handed its fetch', () => {
  const asks = /(?<![.\w#])fetch\(|(from|import\()\s*['"](node:)?(https?|net|tls|undici)['"]/
  const verifier = files('verifier/src').filter(({ file }) => !file.startsWith('verifier/src/cli/'))
  const found = verifier.filter(({ text }) =>
    asks.test(text.replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')),
  )
  // One place, whose fetch is handed in.
  const [{ file, text } = { file: '', text: '' }, ...others] = found
  expect([file, others]).toEqual(['verifier/src/collateral/fetch-answer.ts', []])
  expect(text).toMatch(/^  fetch: Fetch,$/m)
})
