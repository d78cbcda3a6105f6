import {
  addressOf,
  ed25519PublicKey,
  nodeKeyFolder,
  secp256k1PublicKey,
  secp256k1PublicPoint,
  SIGNER_PURPOSE,
  signerPath,
  type Hex,
  type KmsChain,
} from '@jeju/verifier/protocol'
import {
  EHBP_X25519,
  X_WING,
  x25519PublicKey,
  xWingPublicKey,
  type SealingSuite,
} from '@jeju/verifier/sealing'
import type { GuestAgent } from '../guest-agent/guest-agent.ts'

/** A key that request bodies are sealed to. */
export interface SealingKeyPair {
  readonly suite: SealingSuite
  readonly keyId: string
  /** 32 bytes: an X25519 private key, or the seed of an X-Wing one. */
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  /** What an ACI report calls this key's role. */
  readonly custodyRole: string
  /** Over the secp256k1 point of the same 32 bytes. */
  readonly custody: KmsChain
}

/** The keys of one replica. They exist in this process and the platform's KMS, nowhere else. */
export interface NodeKeys {
  /** secp256k1: signs receipts, attestations and the node's own transactions. */
  readonly signerKey: Uint8Array
  readonly signer: Hex
  /** Uncompressed point, 65 bytes. */
  readonly signerPublicKey: Uint8Array
  readonly signerCustody: KmsChain
  /** Ed25519 seed: signs compute receipts. */
  readonly receiptKey: Uint8Array
  readonly receiptPublicKey: Uint8Array
  /** Over the secp256k1 point of the same 32 bytes. */
  readonly receiptCustody: KmsChain
  readonly sealing: readonly SealingKeyPair[]
}

/** Purpose that ACI's verifiers expect of a receipt key (ACI, custody chain). */
const RECEIPT_PURPOSE = 'aci.receipt.ed25519.v1'

const SEALING_KEYS = [
  {
    suite: EHBP_X25519,
    keyId: 'seal-x25519-1',
    name: 'sealing-x25519',
    purpose: 'jeju.sealing.x25519.v1',
    custodyRole: 'e2ee-ehbp-x25519',
    publicKeyOf: x25519PublicKey,
  },
  {
    suite: X_WING,
    keyId: 'seal-x-wing-1',
    name: 'sealing-x-wing',
    purpose: 'jeju.sealing.x-wing.v1',
    custodyRole: 'e2ee-x-wing',
    publicKeyOf: xWingPublicKey,
  },
] as const

/**
 * Derives this replica's keys on the v0 surface. dstack gives one key per path to every replica of an app, so the
 * path holds the instance id (attack C6); purpose and algorithm do not enter a v0 key, so the paths differ too. All
 * are asked for as secp256k1: the released 32 bytes are the same, and the chain is the one that others can check.
 */
export async function deriveNodeKeys(agent: GuestAgent, instanceId: Uint8Array): Promise<NodeKeys> {
  const folder = nodeKeyFolder(instanceId)
  const signer = await release(agent, signerPath(instanceId), SIGNER_PURPOSE)
  const receipt = await release(agent, `${folder}/receipt/v1`, RECEIPT_PURPOSE)
  const sealing: SealingKeyPair[] = []
  for (const { suite, keyId, name, purpose, custodyRole, publicKeyOf } of SEALING_KEYS) {
    const { key, custody } = await release(agent, `${folder}/${name}/v1`, purpose)
    const publicKey = publicKeyOf(key)
    sealing.push({ suite, keyId, privateKey: key, publicKey, custodyRole, custody })
  }
  return {
    signerKey: signer.key,
    signer: addressOf(signer.key),
    signerPublicKey: secp256k1PublicPoint(signer.key),
    signerCustody: signer.custody,
    receiptKey: receipt.key,
    receiptPublicKey: ed25519PublicKey(receipt.key),
    receiptCustody: receipt.custody,
    sealing,
  }
}

async function release(
  agent: GuestAgent,
  path: string,
  purpose: string,
): Promise<{ readonly key: Uint8Array; readonly custody: KmsChain }> {
  const { key, signatureChain } = await agent.getKey(path, purpose, 'secp256k1')
  return {
    key,
    custody: {
      algorithm: 'secp256k1',
      keyApi: 'v0',
      path,
      purpose,
      publicKey: secp256k1PublicKey(key),
      signatures: signatureChain,
    },
  }
}
