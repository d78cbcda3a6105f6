import { concatBytes } from '../bytes/bytes.ts'
import { SealingError } from './sealing-error.ts'
import { EHBP_X25519 } from './suite.ts'

/** Media type of a key configuration (RFC 9458 §3.1). */
export const KEY_CONFIG_MEDIA_TYPE = 'application/ohttp-keys'

const KEY_ID = Uint8Array.of(0)
const KEM = Uint8Array.of(0x00, 0x20)
/** One symmetric suite of 4 bytes: HKDF-SHA256, AES-256-GCM. */
const SUITES = Uint8Array.of(0x00, 0x04, 0x00, 0x01, 0x00, 0x02)

const PUBLIC_KEY_AT = KEY_ID.length + KEM.length
const SUITES_AT: number = PUBLIC_KEY_AT + EHBP_X25519.publicKeyBytes
const CONFIG_BYTES: number = SUITES_AT + SUITES.length

/**
 * The 41 bytes of one key configuration (RFC 9458 §3): key id 0, KEM, public key, suites. Bare, as EHBP
 * implementations send it: without the length that RFC 9458 puts before each configuration of a collection.
 */
export function encodeKeyConfig(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (publicKey.length !== EHBP_X25519.publicKeyBytes) {
    throw new SealingError('SEALED_KEY', `public key: expected 32 bytes, got ${publicKey.length}`)
  }
  return concatBytes(KEY_ID, KEM, publicKey, SUITES)
}

/**
 * The public key of a key configuration. It comes from an address that anybody may answer for: good for comparing
 * with the attested key, and for nothing else.
 * @throws SealingError `SEALED_KEY`
 */
export function parseKeyConfig(config: Uint8Array): Uint8Array<ArrayBuffer> {
  const publicKey = config.slice(PUBLIC_KEY_AT, SUITES_AT)
  const again = config.length === CONFIG_BYTES ? encodeKeyConfig(publicKey) : undefined
  if (again?.every((byte, at) => byte === config[at]) !== true) {
    throw new SealingError('SEALED_KEY', 'key configuration: not the one of EHBP')
  }
  return publicKey
}
