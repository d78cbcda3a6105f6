import { encodeEvidence, reportData, ZERO_DIGEST, type Freshness } from '@jeju/verifier/protocol'
import type { GuestAgent } from '../guest-agent/guest-agent.ts'
import { NodeError } from '../http/node-error.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** Makes evidence for one freshness at a time. */
export interface Attester {
  /**
   * An encoded bundle whose quote answers exactly this freshness.
   * @throws NodeError `attestation_busy`, GuestAgentError
   */
  attest(freshness: Freshness): Promise<Uint8Array<ArrayBuffer>>
}

/** Collaborators of {@link createAttester}. */
export interface AttesterParts {
  readonly agent: GuestAgent
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  /** The measured app-compose.json bytes. */
  readonly appCompose: Uint8Array
  readonly now: () => Date
}

/** Challenges that may wait; the platform makes one quote at a time, and each costs it tens of milliseconds. */
export const MAX_WAITING_CHALLENGES = 16
/** A challenge that waited longer is refused when its turn comes: whoever asked has left. */
const MAX_WAIT_MS = 30_000

/**
 * An attester over the guest agent: one quote at a time, equal questions answered once. The bound holds for
 * strangers' challenges only, so that a flood of them cannot keep the node from renewing its registration.
 */
export function createAttester(parts: AttesterParts): Attester {
  const waiting = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  let last: Promise<unknown> = Promise.resolve()
  const nowMs = (): number => parts.now().getTime()

  const enqueue = (freshness: Freshness): Promise<Uint8Array<ArrayBuffer>> => {
    const asked = nowMs()
    const mine = last.then(() => {
      if (freshness.kind === 'challenge' && nowMs() - asked > MAX_WAIT_MS) throw busy()
      return makeEvidence(parts, freshness)
    })
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    attest: (freshness) => {
      const name = nameOf(freshness)
      const underWay = waiting.get(name)
      if (underWay !== undefined) return underWay
      if (freshness.kind === 'challenge' && waiting.size >= MAX_WAITING_CHALLENGES) {
        return Promise.reject(busy())
      }
      const mine = enqueue(freshness).finally(() => waiting.delete(name))
      waiting.set(name, mine)
      return mine
    },
  }
}

async function makeEvidence(
  { agent, identity, keys, appCompose }: AttesterParts,
  freshness: Freshness,
): Promise<Uint8Array<ArrayBuffer>> {
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

function nameOf(freshness: Freshness): string {
  return freshness.kind === 'challenge'
    ? freshness.nonce
    : `${freshness.blockNumber}/${freshness.blockHash}`
}

function busy(): NodeError {
  return new NodeError('attestation_busy', 'too many quotes are waiting')
}
