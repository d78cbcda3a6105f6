import { toBareHex, type JsonValue, type KmsChain } from '@jeju/verifier/protocol'
import type { NodeKeys } from '../../keys/node-keys.ts'
import type { TlsKey } from '../../tls/tls-key.ts'

/**
 * `key_custody` of an ACI report: for each listed key the KMS's signature chain, made over the secp256k1 point of the
 * same released scalar (ACI, custody chain); for a TLS key the certificates that the platform gave it.
 */
export function keyCustody(keys: NodeKeys, tls: TlsKey | undefined): JsonValue {
  const released = [
    entry('receipt', 'ed25519', keys.receiptPublicKey, keys.receiptCustody),
    ...keys.sealing.map(({ suite, publicKey, custodyRole, custody }) =>
      entry(custodyRole, suite.algo, publicKey, custody),
    ),
  ]
  const certified = tls === undefined ? [] : [tlsEntry(tls)]
  return { provider: 'dstack-kms', keys: [...released, ...certified] }
}

function entry(role: string, algo: string, publicKey: Uint8Array, custody: KmsChain): JsonValue {
  return {
    role,
    path: custody.path,
    purpose: custody.purpose,
    algo,
    public_key: toBareHex(publicKey),
    kms_public_key: toBareHex(custody.publicKey),
    signature_chain: custody.signatures.map((link) => toBareHex(link)),
  }
}

function tlsEntry({ spkiSha256, certificateChain }: TlsKey): JsonValue {
  return {
    role: 'tls',
    spki_sha256: toBareHex(spkiSha256),
    certificate_chain: [...certificateChain],
  }
}
