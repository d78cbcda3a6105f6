import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { byteKey } from '../bytes/byte-key.ts'
import { Recent } from '../bytes/recent.ts'
import type { EcdsaProfile } from './ecdsa-profile.ts'

/** Importing a key costs about as much as a verification, and the same few keys come back all the time. */
const MAX_KEPT_KEYS = 128
const MAX_KEPT_SIGNATURES = 128

/** What was verified, byte for byte, and the answer. */
interface KnownSignature {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly holds: Promise<boolean>
}

/** What verifies one ECDSA signature of a profile. Both forms of s are valid: half of Intel's are high-s. */
export interface EcdsaBackend {
  /** Whether r ‖ s signs the message under x ‖ y. A key off the curve or a malformed signature is false. */
  verify(
    publicKey: Uint8Array,
    signature: Uint8Array,
    message: Uint8Array,
  ): boolean | Promise<boolean>
}

/** Web Crypto, which browsers have too. Imported keys are kept: what an import gives depends on the bytes alone. */
export function webCryptoEcdsa({ curve, hash }: EcdsaProfile): EcdsaBackend {
  const algorithm = { name: 'ECDSA', namedCurve: curve, hash }
  const keys = new Recent<Promise<CryptoKey>>(MAX_KEPT_KEYS)
  const importKey = (point: Uint8Array): Promise<CryptoKey> => {
    const id = byteKey(point)
    const kept = keys.get(id)
    if (kept !== undefined) return kept
    const uncompressed = concatBytes(Uint8Array.of(0x04), point)
    const { subtle } = globalThis.crypto
    const key = subtle.importKey('raw', uncompressed, algorithm, false, ['verify'])
    keys.set(id, key)
    return key
  }
  return {
    verify: async (publicKey, signature, message) => {
      try {
        const key = await importKey(publicKey)
        const { subtle } = globalThis.crypto
        return await subtle.verify(algorithm, key, ownBuffer(signature), ownBuffer(message))
      } catch {
        return false
      }
    },
  }
}

/** Verifies signatures and keeps the answers that are asked for again. */
export class SignatureVerifier {
  readonly backend: EcdsaBackend
  readonly #known = new Recent<KnownSignature>(MAX_KEPT_SIGNATURES)

  constructor(backend: EcdsaBackend) {
    this.backend = backend
  }

  /** See {@link EcdsaBackend}. */
  async verify(
    publicKey: Uint8Array,
    signature: Uint8Array,
    message: Uint8Array,
  ): Promise<boolean> {
    return this.backend.verify(publicKey, signature, message)
  }

  /** {@link verify} for what comes again and again, such as a CA's certificate in every chain; the answer is kept. */
  verifyOnce(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
    const id = byteKey(signature)
    const known = this.#known.get(id)
    if (known && equalBytes(known.publicKey, publicKey) && equalBytes(known.message, message)) {
      return known.holds
    }
    const holds = this.verify(publicKey, signature, message)
    // Copies: what is remembered must not change with the caller's buffer.
    this.#known.set(id, { publicKey: publicKey.slice(), message: message.slice(), holds })
    return holds
  }
}

/** Web Crypto takes no view of shared memory, and types say so. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice()
}
