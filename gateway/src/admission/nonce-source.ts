import { createHmac } from 'node:crypto'
import { randomBytes32, toHex, type ContractDomain, type Hex } from '@jeju/verifier/protocol'
import type { ProviderState } from '../chain/gateway-chain.ts'

/** A nonce for one question, and what another replica derives it from. */
export interface DrawnNonce {
  readonly nonce: Hex
  readonly salt: Hex
  readonly askedAtMs: number
}

/** Draws nonces, and tells how old the evidence over a nonce can be at most. */
export interface NonceSource {
  draw(provider: Asked, at: Date): DrawnNonce
  /** The nonce that a replica drew for this provider, where it is now, at this time. */
  of(provider: Asked, askedAtMs: number, salt: Hex): Hex
}

/** Who is asked, and where: what was answered at another endpoint is no answer of this one (attack F2). */
type Asked = Pick<ProviderState, 'agentId' | 'endpoint' | 'endpointVersion'>

const TAG = 'jeju/shared-nonce/v1'

/**
 * Nonces that nobody can foresee or date back who lacks the secret: HMAC of agent, endpoint, time and a random salt. A node signs
 * over the nonce, so evidence that another replica asked for carries the proof of its own age: whoever writes to the
 * shared store can repeat evidence, but not make it look younger (docs/protocol.md §8).
 */
export function createNonceSource(
  secret: Uint8Array,
  { chainId, verifyingContract }: ContractDomain,
): NonceSource {
  const of: NonceSource['of'] = ({ agentId, endpoint, endpointVersion }, askedAtMs, salt) => {
    const place = [chainId, verifyingContract, agentId, endpointVersion]
    // The endpoint is the provider's own text, and last: nothing in it can stand for anything else.
    const text = [TAG, ...place, askedAtMs, salt, endpoint].join('\n')
    return toHex(new Uint8Array(createHmac('sha256', secret).update(text).digest()))
  }
  return {
    of,
    draw: (provider, at) => {
      const salt = toHex(randomBytes32())
      const askedAtMs = at.getTime()
      return { nonce: of(provider, askedAtMs, salt), salt, askedAtMs }
    },
  }
}
