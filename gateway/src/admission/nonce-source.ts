import { createHmac } from 'node:crypto'
import { randomBytes32, toHex, type ContractDomain, type Hex } from '@jeju/verifier/protocol'

/** A nonce for one question, and what another replica derives it from. */
export interface DrawnNonce {
  readonly nonce: Hex
  readonly salt: Hex
  readonly askedAtMs: number
}

/** Draws nonces, and tells how old the evidence over a nonce can be at most. */
export interface NonceSource {
  draw(agentId: bigint, at: Date): DrawnNonce
  /** The nonce that a replica drew for this agent at this time. */
  of(agentId: bigint, askedAtMs: number, salt: Hex): Hex
}

const TAG = 'jeju/shared-nonce/v1'

/**
 * Nonces that nobody can foresee or date back who lacks the secret: HMAC of agent, time and a random salt. A node signs
 * over the nonce, so evidence that another replica asked for carries the proof of its own age: whoever writes to the
 * shared store can repeat evidence, but not make it look younger (docs/protocol.md §8).
 */
export function createNonceSource(
  secret: Uint8Array,
  { chainId, verifyingContract }: ContractDomain,
): NonceSource {
  const of = (agentId: bigint, askedAtMs: number, salt: Hex): Hex => {
    const text = [TAG, chainId, verifyingContract, agentId, askedAtMs, salt].join('\n')
    return toHex(new Uint8Array(createHmac('sha256', secret).update(text).digest()))
  }
  return {
    of,
    draw: (agentId, at) => {
      const salt = toHex(randomBytes32())
      const askedAtMs = at.getTime()
      return { nonce: of(agentId, askedAtMs, salt), salt, askedAtMs }
    },
  }
}
