import { describe, expect, test } from 'vitest'
import { parseAccounts } from '../../gateway/src/sponsor/accounts.ts'
import { KEY, sha256 } from './network/paying-network.ts'

describe('an accounts file', () => {
  const one = { name: 'alice', budgetPerDay: '5', keySha256: sha256(KEY) }
  const text = (...accounts: readonly object[]): string => JSON.stringify({ accounts })

  test('names each name, key and wallet once', () => {
    expect(parseAccounts(text(one)).byKey(KEY)).toEqual({ name: 'alice', budgetPerDay: 5n })
    expect(() => parseAccounts(text(one, one))).toThrow('a name stands twice')
    expect(() => parseAccounts(text(one, { ...one, name: 'bob' }))).toThrow('keySha256')
  })

  test.each([
    ['no budget', { name: 'alice', keySha256: sha256(KEY) }],
    ['a budget that is no whole number', { ...one, budgetPerDay: '1.5' }],
    ['a budget that cannot be counted', { ...one, budgetPerDay: (2n ** 63n).toString() }],
    ['neither key nor wallet', { name: 'alice', budgetPerDay: '5' }],
    ['a key itself', { ...one, keySha256: KEY }],
    ['an unknown member', { ...one, admin: true }],
    ['a name that is no word', { ...one, name: 'Alice:' }],
  ])('%s is refused', (_name, account) => {
    expect(() => parseAccounts(text(account))).toThrow('accounts.0')
  })

  test('what is no JSON is refused', () => expect(() => parseAccounts('{')).toThrow())
})
