import type { KemInterface } from '@hpke/core'
import { ml_kem768_x25519 as xWing } from '@noble/post-quantum/hybrid.js'
import { SealingError } from './sealing-error.ts'
import { X_WING } from './suite.ts'

/** Key handles of the KEM interface that carry their bytes; the library passes them through unread. */
class XWingKey implements CryptoKey {
  readonly algorithm = { name: 'X-Wing' }
  readonly extractable = false
  readonly usages: KeyUsage[] = []
  readonly type: 'public' | 'private'
  readonly bytes: Uint8Array

  constructor(type: 'public' | 'private', bytes: Uint8Array) {
    this.type = type
    this.bytes = bytes
  }
}

/** The 1216-byte public key of a 32-byte seed, which is an X-Wing private key (draft-connolly-cfrg-xwing-kem §5.2). */
export function xWingPublicKey(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(xWing.keygen(seed).publicKey)
}

/** X-Wing as a KEM of HPKE (draft-connolly-cfrg-xwing-kem §5.7); the only file that knows the library of ML-KEM. */
export class XWingKem implements KemInterface {
  readonly id = X_WING.kemId as KemInterface['id']
  readonly secretSize = 32
  readonly encSize: number = X_WING.encapsulatedBytes
  readonly publicKeySize: number = X_WING.publicKeyBytes
  readonly privateKeySize = 32

  encap({ recipientPublicKey }: Parameters<KemInterface['encap']>[0]): Promise<{
    readonly sharedSecret: ArrayBuffer
    readonly enc: ArrayBuffer
  }> {
    const { cipherText, sharedSecret } = xWing.encapsulate(bytesOf(recipientPublicKey))
    return Promise.resolve({ sharedSecret: bufferOf(sharedSecret), enc: bufferOf(cipherText) })
  }

  decap({ recipientKey, enc }: Parameters<KemInterface['decap']>[0]): Promise<ArrayBuffer> {
    const key = 'privateKey' in recipientKey ? recipientKey.privateKey : recipientKey
    const cipherText = ArrayBuffer.isView(enc)
      ? new Uint8Array(enc.buffer, enc.byteOffset, enc.byteLength)
      : new Uint8Array(enc)
    return Promise.resolve(bufferOf(xWing.decapsulate(cipherText, bytesOf(key))))
  }

  serializePublicKey(key: CryptoKey): Promise<ArrayBuffer> {
    return Promise.resolve(bufferOf(bytesOf(key)))
  }

  deserializePublicKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return Promise.resolve(keyFrom('public', key, this.publicKeySize))
  }

  serializePrivateKey(key: CryptoKey): Promise<ArrayBuffer> {
    return Promise.resolve(bufferOf(bytesOf(key)))
  }

  deserializePrivateKey(key: ArrayBufferLike | ArrayBufferView): Promise<CryptoKey> {
    return Promise.resolve(keyFrom('private', key, this.privateKeySize))
  }

  importKey(
    format: 'raw' | 'jwk',
    key: ArrayBuffer | JsonWebKey,
    isPublic = true,
  ): Promise<CryptoKey> {
    if (format !== 'raw' || !(key instanceof ArrayBuffer)) return Promise.reject(unsupported())
    return isPublic ? this.deserializePublicKey(key) : this.deserializePrivateKey(key)
  }

  generateKeyPair(): Promise<CryptoKeyPair> {
    return Promise.reject(unsupported())
  }

  deriveKeyPair(): Promise<CryptoKeyPair> {
    return Promise.reject(unsupported())
  }
}

function keyFrom(
  type: 'public' | 'private',
  key: ArrayBufferLike | ArrayBufferView,
  length: number,
): XWingKey {
  const view = ArrayBuffer.isView(key)
    ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
    : new Uint8Array(key)
  if (view.length !== length) {
    throw new SealingError(
      'SEALED_KEY',
      `${type} key: expected ${length} bytes, got ${view.length}`,
    )
  }
  return new XWingKey(type, view.slice())
}

function bytesOf(key: CryptoKey): Uint8Array {
  if (!(key instanceof XWingKey)) throw new SealingError('SEALED_KEY', 'not a key of X-Wing')
  return key.bytes
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

/** Keys come from the platform's KMS as seeds; nothing here makes or derives any. */
function unsupported(): SealingError {
  return new SealingError('SEALED_KEY', 'only raw keys are read')
}
