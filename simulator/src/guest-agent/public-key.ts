import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak256, toHex, type Hex } from '@jeju/verifier/protocol'
import { AgentError } from './wire.ts'

/** Ethereum address of a compressed secp256k1 point. */
export function addressOfPublicKey(compressed: Uint8Array): Hex {
  try {
    const uncompressed = secp256k1.Point.fromBytes(compressed).toBytes(false)
    return toHex(keccak256(uncompressed.subarray(1)).subarray(12))
  } catch {
    throw new AgentError('public_key: not a point of secp256k1')
  }
}
