import { setTimeout as delay } from 'node:timers/promises'
import {
  attestationDigest,
  parseKeyset,
  signDigest,
  type ContractDomain,
} from '@jeju/verifier/protocol'
import type { Attester } from '../attestation/attester.ts'
import type { EvidenceArchive } from '../attestation/evidence-archive.ts'
import type { BindingRecord, NodeChain } from '../chain/node-chain.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { Logger } from '../logging.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** Keeps this node's binding on chain valid. */
export interface Registrar {
  /** Whether the registry has a valid binding, as of the last look. */
  readonly registered: boolean
  /** Works until the signal: waits for the owner's approval, attests, renews at half life. */
  run(signal: AbortSignal): Promise<void>
}

/** How often an approval that is missing is looked for. */
const APPROVAL_MS = 1_000
/** How often a valid binding is looked at, to notice a revocation. */
const WATCH_MS = 10_000
/** After a failure, doubled with each further one. */
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000
/** Asked for where the registry grants as much. */
const MAX_VALIDITY_S = 24n * 3600n
const DEADLINE_S = 600n

/** Collaborators of {@link createRegistrar}. */
export interface RegistrarParts {
  readonly chain: NodeChain
  readonly registry: ContractDomain
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly attester: Attester
  readonly archive: EvidenceArchive
  readonly logger: Logger
  readonly now: () => Date
}

/** A registrar; every step can fail and be repeated, since state is read from the chain each time. */
export function createRegistrar(parts: RegistrarParts): Registrar {
  const { chain, identity, archive, logger, now } = parts
  const { bindingId } = identity
  const keysetEnd = keysetEndOf(identity)
  let validUntilMs = 0
  let failures = 0

  // Lifetimes are counted from the chain's own time: the clock here belongs to the host.
  const look = async (): Promise<
    BindingRecord & { readonly leftS: bigint; readonly validityS: bigint }
  > => {
    const [binding, { timestamp }, longest] = await Promise.all([
      chain.binding(bindingId),
      chain.recentBlock(),
      chain.bindingValidity(),
    ])
    // A crash may have come between block and confirmation.
    await archive.confirm(binding.evidence)
    const leftS = binding.valid ? binding.validUntil - timestamp : 0n
    validUntilMs = now().getTime() + Number(leftS) * 1000
    return { ...binding, leftS, validityS: longest < MAX_VALIDITY_S ? longest : MAX_VALIDITY_S }
  }
  /** Does what is due and says when to look again, in milliseconds. */
  const step = async (): Promise<number> => {
    const binding = await look()
    if (binding.revoked) {
      logger.error({ bindingId }, 'binding is revoked')
      return MAX_RETRY_MS
    }
    // Nothing outlives the keyset, so a binding that ends with it cannot be made longer.
    const isLongest = binding.valid && binding.validUntil >= keysetEnd
    if (isLongest || binding.leftS > binding.validityS / 2n) return WATCH_MS
    if (!(await chain.isBindingApproved(identity.statement.agentId, bindingId))) {
      logger.info({ bindingId }, 'waiting for the owner to approve the binding')
      return APPROVAL_MS
    }
    await bindOnChain(parts, binding.validityS)
    const { valid } = await look()
    logger.info({ bindingId, valid }, 'bound on chain')
    return valid ? WATCH_MS : APPROVAL_MS
  }

  return {
    get registered() {
      return validUntilMs > now().getTime()
    },
    run: async (signal) => {
      while (!signal.aborted) {
        const wait = await step().then(
          (due) => {
            failures = 0
            return due
          },
          (error: unknown) => {
            const reason = error instanceof Error ? error.message : ''
            logger.warn({ reason }, 'registration failed')
            return Math.min(FIRST_RETRY_MS * 2 ** failures++, MAX_RETRY_MS)
          },
        )
        await delay(wait, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

/** A quote over a recent block, archived before it is named on chain; signed with a key that the quote covers. */
async function bindOnChain(parts: RegistrarParts, validityS: bigint): Promise<void> {
  const { chain, registry, identity, keys, attester, archive } = parts
  const block = await chain.recentBlock()
  const evidence = await attester.attest({
    kind: 'registration',
    blockNumber: block.number,
    blockHash: block.hash,
  })
  const evidenceHash = await archive.put(evidence)
  const keysetEnd = keysetEndOf(identity)
  if (keysetEnd <= block.timestamp) throw new Error('the keyset has ended: restart the node')
  const end = block.timestamp + validityS
  const call = {
    statement: identity.statement,
    evidenceHash,
    blockNumber: block.number,
    validUntil: end < keysetEnd ? end : keysetEnd,
    deadline: block.timestamp + DEADLINE_S,
  }
  const digest = attestationDigest({ ...call, bindingId: identity.bindingId }, registry)
  await chain.bindSigner({ ...call, signerSig: signDigest(digest, keys.signerKey) })
  await archive.confirm(evidenceHash)
}

/** Unix seconds. */
function keysetEndOf({ keyset }: NodeIdentity): bigint {
  return BigInt(parseKeyset(keyset).not_after)
}
