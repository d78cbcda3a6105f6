import { decryptKeystore } from '@jeju/sdk/node'
import * as Keystore from 'ox/Keystore'
import { describe, expect, test } from 'vitest'
import { accountOf } from '../../sdk/src/chain/viem-account.ts'

/** Key and password of the examples in the definition of Web3 Secret Storage. */
const KEY = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const PASSWORD = 'testpassword'

/** The definition's own examples, as published. */
const PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262_144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}
const SCRYPT = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
    ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
    kdf: 'scrypt',
    kdfparams: {
      dklen: 32,
      n: 262_144,
      p: 8,
      r: 1,
      salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
    },
    mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}

const refused = (text: string, password = PASSWORD): unknown => {
  try {
    return decryptKeystore(text, password)
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_WALLET' })
    const told = error instanceof Error ? `${error.message} ${String(error.cause)}` : ''
    expect(told).not.toContain(KEY.slice(2))
    expect(told).not.toContain(PASSWORD)
    return told
  }
}

describe('a keystore', () => {
  test.each([
    ['PBKDF2', PBKDF2],
    ['scrypt', SCRYPT],
  ])('of the published example with %s', (_, keystore) => {
    expect(decryptKeystore(JSON.stringify(keystore), PASSWORD)).toBe(KEY)
  })

  test('with an address, as geth writes it, and with the parameters of others', () => {
    const [key, options] = Keystore.scrypt({ password: 'pässwörd', n: 1024, r: 8, p: 1 })
    const keystore = { address: 'ab'.repeat(20), ...Keystore.encrypt(KEY, key, options) }
    expect(decryptKeystore(JSON.stringify(keystore), 'pässwörd')).toBe(KEY)
  })

  test('is not opened by another password', () => {
    const [key, options] = Keystore.pbkdf2({ password: PASSWORD, iterations: 10 })
    const text = JSON.stringify(Keystore.encrypt(KEY, key, options))
    expect(refused(text, 'other')).toContain('not opened')
    expect(decryptKeystore(text, PASSWORD)).toBe(KEY)
  })

  test('that is none is refused by the member that is wrong', () => {
    const changed = (change: (text: string) => string): unknown =>
      refused(change(JSON.stringify(SCRYPT)))
    expect(refused('')).toBeTypeOf('string')
    expect(refused('[]')).toContain('object')
    expect(changed((text) => text.replace('"version":3', '"version":1'))).toContain('version')
    expect(changed((text) => text.replace('aes-128-ctr', 'aes-128-cbc'))).toContain('cipher')
    expect(changed((text) => text.replace('"scrypt"', '"argon2"'))).toContain('kdf')
    expect(changed((text) => text.replace('"mac":"21', '"mac":"'))).toContain('mac')
    expect(changed((text) => text.replace('"n":262144', '"n":16777216'))).toContain('bytes')
    expect(changed((text) => text.replace('"dklen":32', '"dklen":16'))).toContain('dklen')
    expect(changed((text) => text.replace('"r":1', '"r":"1"'))).toContain('kdfparams.r')
  })
})

describe('a private key', () => {
  test('with or without prefix and line break', () => {
    const { address } = accountOf(KEY)
    expect(accountOf(`${KEY.slice(2)}\n`).address).toBe(address)
  })

  test.each([
    '',
    '0x',
    'key',
    `0x${'0'.repeat(64)}`,
    `0x${'f'.repeat(64)}`,
    `${KEY}00`,
    KEY.slice(0, -1),
  ])('that is none is refused without being repeated: %j', (text) => {
    let told: unknown
    try {
      accountOf(text)
    } catch (error) {
      told = error
    }
    expect(told).toMatchObject({ code: 'CONFIG_WALLET' })
    if (text.length > 8) expect(String(told)).not.toContain(text.slice(2))
  })
})
