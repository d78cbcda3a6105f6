import * as Keystore from 'ox/Keystore'
import {
  asHex,
  asInteger,
  asString,
  exactObject,
  JsonError,
  parseStrictJson,
  ProtocolError,
  type Hex,
  type JsonObject,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** Deriving a key may take this much memory, bytes; the usual 2^18 blocks of 1 KiB take 256 MiB. */
const MAX_SCRYPT_BYTES = 2 ** 30
const MAX_ITERATIONS = 10_000_000

/**
 * The private key in a Web3 Secret Storage file, version 3 (scrypt or PBKDF2, AES-128-CTR), as geth, foundry and
 * wallets write it. Takes about a second. Throws `CONFIG_WALLET`, which never holds key or password.
 */
export function decryptKeystore(text: string, password: string): Hex {
  const keystore = readKeystore(text)
  try {
    return Keystore.decrypt(keystore, Keystore.toKey(keystore, { password }))
  } catch {
    throw new SdkError('CONFIG_WALLET', 'keystore: not opened by this password')
  }
}

function readKeystore(text: string): Keystore.Keystore {
  try {
    const file = new Map(
      Object.entries(objectOf(parseStrictJson(text, { maxDepth: 6 }))).map(([name, value]) => [
        // Parity writes `Crypto`, geth `crypto`; address and name of the file are nobody's word.
        name.toLowerCase(),
        value,
      ]),
    )
    asInteger(file.get('version'), 'keystore.version', { min: 3, max: 3 })
    const place = 'keystore.crypto'
    const members = ['cipher', 'ciphertext', 'cipherparams', 'kdf', 'kdfparams', 'mac'] as const
    const crypto = exactObject(file.get('crypto'), place, members, ['version'])
    if (crypto['cipher'] !== 'aes-128-ctr') throw wrong(`${place}.cipher: expected aes-128-ctr`)
    const { iv } = exactObject(crypto['cipherparams'], `${place}.cipherparams`, ['iv'])
    return {
      version: 3,
      id: '',
      crypto: {
        cipher: 'aes-128-ctr',
        ciphertext: bare(crypto['ciphertext'], `${place}.ciphertext`, 32),
        cipherparams: { iv: bare(iv, `${place}.cipherparams.iv`, 16) },
        mac: bare(crypto['mac'], `${place}.mac`, 32),
        ...readDerivation(crypto, place),
      },
    } as Keystore.Keystore
  } catch (cause) {
    if (!(cause instanceof ProtocolError || cause instanceof JsonError)) throw cause
    throw wrong(cause.message)
  }
}

function readDerivation(crypto: JsonObject, place: string): object {
  const at = `${place}.kdfparams`
  const dklen = { min: 32, max: 32 }
  if (crypto['kdf'] === 'scrypt') {
    const params = exactObject(crypto['kdfparams'], at, ['dklen', 'n', 'p', 'r', 'salt'])
    const n = asInteger(params['n'], `${at}.n`, { min: 2, max: 2 ** 24 })
    const r = asInteger(params['r'], `${at}.r`, { min: 1, max: 64 })
    if (128 * n * r > MAX_SCRYPT_BYTES) throw wrong(`${at}: more than ${MAX_SCRYPT_BYTES} bytes`)
    return {
      kdf: 'scrypt',
      kdfparams: {
        dklen: asInteger(params['dklen'], `${at}.dklen`, dklen),
        n,
        r,
        p: asInteger(params['p'], `${at}.p`, { min: 1, max: 16 }),
        salt: salt(params['salt'], `${at}.salt`),
      },
    }
  }
  if (crypto['kdf'] !== 'pbkdf2') throw wrong(`${place}.kdf: expected scrypt or pbkdf2`)
  const params = exactObject(crypto['kdfparams'], at, ['c', 'dklen', 'prf', 'salt'])
  if (params['prf'] !== 'hmac-sha256') throw wrong(`${at}.prf: expected hmac-sha256`)
  return {
    kdf: 'pbkdf2',
    kdfparams: {
      c: asInteger(params['c'], `${at}.c`, { min: 1, max: MAX_ITERATIONS }),
      dklen: asInteger(params['dklen'], `${at}.dklen`, dklen),
      prf: 'hmac-sha256',
      salt: salt(params['salt'], `${at}.salt`),
    },
  }
}

function objectOf(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw wrong('keystore: expected an object')
}

function bare(value: unknown, place: string, bytes: number): string {
  return asHex(`0x${asString(value, place).toLowerCase()}`, place, bytes).slice(2)
}

function salt(value: unknown, place: string): string {
  const text = asString(value, place, 256).toLowerCase()
  return bare(text, place, text.length / 2)
}

function wrong(message: string): SdkError {
  return new SdkError('CONFIG_WALLET', message)
}
