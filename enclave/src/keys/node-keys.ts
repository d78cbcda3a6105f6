import {
  addressOf,
  ed25519PublicKey,
  nodeKeyFolder,
  secp256k1PublicKey,
  SIGNER_PURPOSE,
  signerPath,
  type Hex,
  type KmsChain,
} from '@jeju/verifier/protocol'
import type { GuestAgent } from '../guest-agent/guest-agent.ts'

/** The keys of one replica. They exist in this process and the platform's KMS, nowhere else. */
export interface NodeKeys {
  /** secp256k1: signs receipts, attestations and the node's own transactions. */
  readonly signerKey: Uint8Array
  readonly signer: Hex
  readonly signerCustody: KmsChain
  /** Ed25519 seed: signs compute receipts. */
  readonly receiptKey: Uint8Array
  readonly receiptPublicKey: Uint8Array
}

const RECEIPT_PURPOSE = 'jeju.receipt.v1'

/**
 * Derives this replica's keys on the v0 surface. dstack gives one key per path to every replica of an app, so the
 * path holds the instance id (attack C6); purpose and algorithm do not enter a v0 key, so the paths differ too.
 */
export async function deriveNodeKeys(agent: GuestAgent, instanceId: Uint8Array): Promise<NodeKeys> {
  const path = signerPath(instanceId)
  const signer = await agent.getKey(path, SIGNER_PURPOSE, 'secp256k1')
  const receipt = await agent.getKey(
    `${nodeKeyFolder(instanceId)}/receipt/v1`,
    RECEIPT_PURPOSE,
    'ed25519',
  )
  return {
    signerKey: signer.key,
    signer: addressOf(signer.key),
    signerCustody: {
      algorithm: 'secp256k1',
      keyApi: 'v0',
      path,
      purpose: SIGNER_PURPOSE,
      publicKey: secp256k1PublicKey(signer.key),
      signatures: signer.signatureChain,
    },
    receiptKey: receipt.key,
    receiptPublicKey: ed25519PublicKey(receipt.key),
  }
}
