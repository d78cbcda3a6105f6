import {
  canonicalJson,
  ed25519PublicKey,
  randomBytes32,
  toBareHex,
  type ModelDescriptor,
} from '@jeju/verifier/protocol'
import { X_WING, x25519PublicKey, xWingPublicKey, type SealingSuite } from '@jeju/verifier/sealing'
import type { SealingKeyPair } from '../../../enclave/src/keys/node-keys.ts'

/** A sealing key of a node's own. */
export function sealingPairOf(suite: SealingSuite): SealingKeyPair {
  const privateKey = randomBytes32()
  const publicKey = suite === X_WING ? xWingPublicKey(privateKey) : x25519PublicKey(privateKey)
  const custody = {
    algorithm: 'secp256k1',
    keyApi: 'v0',
    path: '',
    purpose: '',
    publicKey: privateKey,
    signatures: [privateKey, privateKey],
  } as const
  return { suite, keyId: suite.algo, privateKey, publicKey, custodyRole: '', custody }
}

/** Keyset, catalogue and posture of a node. */
export function documentsOf(
  descriptor: ModelDescriptor,
  receiptKey: Uint8Array,
  sealing: readonly SealingKeyPair[],
): { readonly keyset: string; readonly catalog: string; readonly posture: string } {
  const public_key = toBareHex(ed25519PublicKey(receiptKey))
  return {
    keyset: canonicalJson({
      e2ee_public_keys: sealing.map(({ suite, keyId, publicKey }) => ({
        algo: suite.algo,
        key_id: keyId,
        public_key: toBareHex(publicKey),
      })),
      not_after: Math.floor(Date.now() / 1000) + 30 * 24 * 3600,
      receipt_signing_keys: [{ algo: 'ed25519', key_id: 'receipt-1', public_key }],
      subject: null,
      tls_public_keys: [],
    }),
    catalog: canonicalJson({ models: [{ ...descriptor }], v: 1 }),
    posture: canonicalJson({
      content_logging: 'none',
      egress: [],
      request_confidentiality: 'plaintext',
      tools: 'none',
      v: 1,
    }),
  }
}
