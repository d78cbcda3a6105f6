import { encodeEvidence, reportData, ZERO_DIGEST, type Freshness } from '@jeju/verifier/protocol'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'
import type { Quotes } from './quotes.ts'

/** Makes evidence of this node's statement. */
export interface Attester {
  /**
   * An encoded bundle whose quote answers exactly this freshness.
   * @throws NodeError `attestation_busy`, GuestAgentError
   */
  attest(freshness: Freshness): Promise<Uint8Array<ArrayBuffer>>
}

/** Collaborators of {@link createAttester}. */
export interface AttesterParts {
  readonly quotes: Quotes
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  /** The measured app-compose.json bytes. */
  readonly appCompose: Uint8Array
}

/** An attester over the platform's quotes (docs/protocol.md §2, §3). */
export function createAttester({ quotes, identity, keys, appCompose }: AttesterParts): Attester {
  return {
    attest: async (freshness) => {
      const data = reportData(identity.bindingId, freshness, ZERO_DIGEST)
      const use = freshness.kind === 'registration' ? 'own' : 'challenge'
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
      })
    },
  }
}
