import { concatBytes } from '../bytes/bytes.ts'
import { toBareHex } from '../bytes/hex.ts'

/** ECDSA P-256 with SHA-256 through Web Crypto. Half of Intel's signatures are high-s; both forms are valid. */
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Importing a key costs about as much as a verification, and the same few keys come back all the time. */
const MAX_KEPT_KEYS = 128

/** Verifies P-256 signatures and keeps the keys it imported, by their value. */
export class P256Verifier {
  readonly #keys = new Map<string, Promise<CryptoKey>>()

  /** Whether r ‖ s signs the message under x ‖ y. A key off the curve or a malformed signature is false. */
  async verify(
    publicKey: Uint8Array,
    signature: Uint8Array,
    message: Uint8Array,
  ): Promise<boolean> {
    try {
      const key = await this.#key(publicKey)
      const { subtle } = globalThis.crypto
      return await subtle.verify(ECDSA, key, ownBuffer(signature), ownBuffer(message))
    } catch {
      return false
    }
  }

  #key(point: Uint8Array): Promise<CryptoKey> {
    const id = toBareHex(point)
    const kept = this.#keys.get(id)
    if (kept !== undefined) return kept
    const uncompressed = concatBytes(Uint8Array.of(0x04), point)
    const key = globalThis.crypto.subtle.importKey('raw', uncompressed, ECDSA, false, ['verify'])
    const [oldest] = this.#keys.keys()
    if (this.#keys.size >= MAX_KEPT_KEYS && oldest !== undefined) this.#keys.delete(oldest)
    this.#keys.set(id, key)
    return key
  }
}

/** Web Crypto takes no view of shared memory, and types say so. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice()
}
