import type { Keyset } from '../protocol/documents.ts'
import { fromBareHex } from '../bytes/hex.ts'

/** Name of a sealing suite: the `algo` of its key in the attested keyset (docs/protocol.md §10). */
export type SealingAlgo = 'ehbp-x25519-aes-256-gcm' | 'jeju-x-wing-aes-256-gcm'

/** What the two suites differ in. Both are HPKE (RFC 9180) in base mode with HKDF-SHA256 and AES-256-GCM. */
export interface SealingSuite {
  readonly algo: SealingAlgo
  /** HPKE KEM identifier. */
  readonly kemId: number
  readonly publicKeyBytes: number
  /** Bytes of an encapsulated key; no two suites share a length, so the header names its suite. */
  readonly encapsulatedBytes: number
  /** HPKE `info`, and the exporter label of the response secret: a suite never opens what another sealed. */
  readonly requestInfo: string
  readonly responseLabel: string
}

/** DHKEM(X25519, HKDF-SHA256): EHBP as its specification has it, for clients that exist. */
export const EHBP_X25519: SealingSuite = {
  algo: 'ehbp-x25519-aes-256-gcm',
  kemId: 0x0020,
  publicKeyBytes: 32,
  encapsulatedBytes: 32,
  requestInfo: 'ehbp request',
  responseLabel: 'ehbp response',
}

/** X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and ML-KEM-768 together, in the framing of EHBP. */
export const X_WING: SealingSuite = {
  algo: 'jeju-x-wing-aes-256-gcm',
  kemId: 0x647a,
  publicKeyBytes: 1216,
  encapsulatedBytes: 1120,
  requestInfo: 'jeju sealed request x-wing v1',
  responseLabel: 'jeju sealed response x-wing v1',
}

/** All suites, the one a client should prefer first. */
export const SEALING_SUITES: readonly SealingSuite[] = [X_WING, EHBP_X25519]

/** A suite and the node's public key for it. */
export interface SealingKey {
  readonly suite: SealingSuite
  readonly publicKey: Uint8Array<ArrayBuffer>
}

/**
 * The best key that a verified keyset offers; undefined when bodies cannot be sealed to it. Nothing else is ever
 * asked: not the well-known address, not a header of an answer (attack C5).
 */
export function sealingKeyOf({ e2ee_public_keys }: Keyset): SealingKey | undefined {
  for (const suite of SEALING_SUITES) {
    const key = e2ee_public_keys.find(({ algo }) => algo === suite.algo)
    if (key !== undefined) {
      const publicKey = fromBareHex(key.public_key, suite.publicKeyBytes, `keyset ${suite.algo}`)
      return { suite, publicKey }
    }
  }
  return undefined
}
