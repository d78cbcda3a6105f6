import {
  encodeEvidence,
  encodeGpuEvidence,
  gpuNonce,
  reportData,
  sha256,
  toHex,
  ZERO_DIGEST,
  type Freshness,
} from '@jeju/verifier/protocol'
import type { Gpus } from '../gpu/gpus.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'
import type { Quotes } from './quotes.ts'

/** Makes evidence of this node's statement. */
export interface Attester {
  /**
   * An encoded bundle whose quote answers exactly this freshness.
   * @throws NodeError `attestation_busy`, GuestAgentError, GpuError
   */
  attest(freshness: Freshness): Promise<Uint8Array<ArrayBuffer>>
}

/** Collaborators of {@link createAttester}. */
export interface AttesterParts {
  readonly quotes: Quotes
  /** Undefined on a CPU-only node. */
  readonly gpus?: Gpus | undefined
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  /** The measured app-compose.json bytes. */
  readonly appCompose: Uint8Array
}

/**
 * An attester over the platform's quotes (docs/protocol.md §2, §3). GPUs are asked first, with a nonce made of binding
 * and freshness; the quote then names the very bytes of what they answered (attack D1).
 */
export function createAttester(parts: AttesterParts): Attester {
  const { quotes, gpus, identity, keys, appCompose } = parts
  return {
    attest: async (freshness) => {
      const { bindingId } = identity
      const use = freshness.kind === 'registration' ? 'own' : 'challenge'
      const gpuEvidence =
        gpus &&
        encodeGpuEvidence({ devices: await gpus.collect(gpuNonce(bindingId, freshness), use) })
      const digest = gpuEvidence === undefined ? ZERO_DIGEST : toHex(sha256(gpuEvidence))
      const data = reportData(bindingId, freshness, digest)
      const { quote, eventLog, vmConfig } = await quotes.quote(data, use)
      return encodeEvidence({
        statement: identity.statement,
        quote,
        eventLog,
        appCompose,
        vmConfig,
        kmsChain: keys.signerCustody,
        keyset: identity.keyset,
        catalog: identity.catalog,
        posture: identity.posture,
        ...(gpuEvidence === undefined ? {} : { gpuEvidence }),
      })
    },
  }
}
