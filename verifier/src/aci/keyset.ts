import type { JsonValue } from '../protocol/canonical-json.ts'
import { MAX_KEYSET_LIFE_S } from '../protocol/limits.ts'
import { asArray, asInteger, asObject, asString } from '../protocol/shape.ts'
import { asTextOrNull } from '../dialect/foreign-json.ts'
import { failed, passed, type Check } from '../report/check.ts'

/** A key of an ACI keyset; hex as served. */
export interface AciKey {
  readonly key_id: string
  readonly algo: string
  readonly public_key: string
}

/** A TLS key of an ACI keyset. */
export interface AciTlsKey {
  readonly spki_sha256: string
  readonly domain: string | null
}

/** What an ACI keyset says, and the parsed value that its digest is over. */
export interface AciKeyset {
  readonly value: JsonValue
  readonly subject: string | null
  /** Unix seconds. */
  readonly notAfter: number
  readonly receiptKeys: readonly AciKey[]
  readonly e2eeKeys: readonly AciKey[]
  readonly tlsKeys: readonly AciTlsKey[]
}

const MAX_KEYS = 64
const MAX_KEY_CHARACTERS = 8192
const HEX = /^([0-9a-f]{2})+$/

/** Reads a parsed keyset (ACI, keyset). Members that nobody knows stay in `value`. @throws ProtocolError */
export function readAciKeyset(value: unknown): AciKeyset {
  const place = 'workload_keyset'
  const keyset = asObject(value, place)
  return {
    value: value as JsonValue,
    subject: asTextOrNull(keyset['subject'], `${place}.subject`, 512),
    notAfter: asInteger(keyset['not_after'], `${place}.not_after`, { min: 0, max: 2 ** 40 }),
    receiptKeys: keys(keyset['receipt_signing_keys'], `${place}.receipt_signing_keys`),
    e2eeKeys: keys(keyset['e2ee_public_keys'], `${place}.e2ee_public_keys`),
    tlsKeys: asArray(keyset['tls_public_keys'], `${place}.tls_public_keys`, MAX_KEYS).map((key) => {
      const entry = asObject(key, `${place}.tls_public_keys[]`)
      return {
        spki_sha256: asString(entry['spki_sha256'], `${place}.tls_public_keys[].spki_sha256`, 64),
        domain: asTextOrNull(entry['domain'], `${place}.tls_public_keys[].domain`, 253),
      }
    }),
  }
}

function keys(value: unknown, place: string): readonly AciKey[] {
  return asArray(value, place, MAX_KEYS).map((key) => {
    const entry = asObject(key, `${place}[]`)
    return {
      key_id: asString(entry['key_id'], `${place}[].key_id`, 256),
      algo: asString(entry['algo'], `${place}[].algo`, 128),
      public_key: asString(entry['public_key'], `${place}[].public_key`, MAX_KEY_CHARACTERS),
    }
  })
}

/** `keyset`: in date, not valid implausibly far ahead (attack C11), one key for one role, keys in hex. */
export function checkAciKeyset(keyset: AciKeyset, at: Date): Check<'keyset'> {
  const name = 'keyset'
  const now = Math.floor(at.getTime() / 1000)
  const { notAfter, receiptKeys, e2eeKeys, tlsKeys } = keyset
  if (now >= notAfter || notAfter > now + MAX_KEYSET_LIFE_S) {
    const expected = `not_after between ${now} and ${now + MAX_KEYSET_LIFE_S}`
    return failed(name, expected, String(notAfter))
  }
  const listed = [...receiptKeys, ...e2eeKeys].map((key) => key.public_key)
  const all = [...listed, ...tlsKeys.map((key) => key.spki_sha256)]
  if (!all.every((key) => HEX.test(key))) return failed(name, 'keys in lowercase hex', 'others')
  if (new Set(all).size !== all.length) return failed(name, 'one role for each key', 'a key twice')
  const ids = [...receiptKeys, ...e2eeKeys].map((key) => key.key_id)
  if (new Set(ids).size !== ids.length) return failed(name, 'each key_id once', 'one of them twice')
  return passed(name, { notAfter, subject: keyset.subject })
}
