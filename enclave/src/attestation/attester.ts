import { encodeEvidence, reportData, ZERO_DIGEST, type Freshness } from '@jeju/verifier/protocol'
import type { GuestAgent } from '../guest-agent/guest-agent.ts'
import { NodeError } from '../http/node-error.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** Makes evidence for one freshness at a time. */
export interface Attester {
  /** An encoded bundle whose quote answers exactly this freshness. */
  attest(freshness: Freshness): Promise<Uint8Array<ArrayBuffer>>
}

/** Quotes that may wait; the platform makes one at a time, and each costs it tens of milliseconds. */
const MAX_WAITING_QUOTES = 16

/** An attester over the guest agent: one quote at a time, a bounded queue, equal questions answered once. */
export function createAttester(
  agent: GuestAgent,
  identity: NodeIdentity,
  keys: NodeKeys,
  appCompose: Uint8Array,
): Attester {
  const waiting = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  let last: Promise<unknown> = Promise.resolve()

  const make = async (freshness: Freshness): Promise<Uint8Array<ArrayBuffer>> => {
    const data = reportData(identity.bindingId, freshness, ZERO_DIGEST)
    const { quote, eventLog, vmConfig } = await agent.quote(data)
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
  }
  return {
    attest: (freshness) => {
      const name =
        freshness.kind === 'challenge'
          ? freshness.nonce
          : `${freshness.blockNumber}/${freshness.blockHash}`
      const underWay = waiting.get(name)
      if (underWay !== undefined) return underWay
      if (waiting.size >= MAX_WAITING_QUOTES) {
        return Promise.reject(new NodeError('attestation_busy', 'too many quotes are waiting'))
      }
      const mine = last.then(() => make(freshness)).finally(() => waiting.delete(name))
      last = mine.catch(() => undefined)
      waiting.set(name, mine)
      return mine
    },
  }
}
