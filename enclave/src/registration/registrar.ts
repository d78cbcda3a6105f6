import { setTimeout as delay } from 'node:timers/promises'
import { attestationDigest, signDigest, type ContractDomain } from '@jeju/verifier/protocol'
import type { Attester } from '../attestation/attester.ts'
import type { EvidenceArchive } from '../attestation/evidence-archive.ts'
import type { NodeChain } from '../chain/node-chain.ts'
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

/** How often an unapproved or unreachable registration is looked at again. */
const RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000
/** How often a valid binding is looked at, to notice a revocation. */
const WATCH_MS = 10_000
const VALIDITY_S = 24n * 3600n
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
}

/** A registrar; every step can fail and be repeated, since state is read from the chain each time. */
export function createRegistrar(parts: RegistrarParts): Registrar {
  const { chain, identity, logger } = parts
  let registered = false

  const step = async (): Promise<number> => {
    const { timestamp } = await chain.recentBlock()
    const binding = await chain.binding(identity.bindingId)
    registered = binding.valid
    if (binding.revoked) {
      logger.error({ bindingId: identity.bindingId }, 'binding is revoked')
      return MAX_RETRY_MS
    }
    if (binding.valid && binding.validUntil - timestamp > VALIDITY_S / 2n) return WATCH_MS
    if (!(await chain.isBindingApproved(identity.statement.agentId, identity.bindingId))) {
      logger.info({ bindingId: identity.bindingId }, 'waiting for the owner to approve the binding')
      return RETRY_MS
    }
    await attestOnChain(parts)
    registered = (await chain.binding(identity.bindingId)).valid
    logger.info({ bindingId: identity.bindingId, registered }, 'attested on chain')
    return registered ? WATCH_MS : RETRY_MS
  }

  return {
    get registered() {
      return registered
    },
    run: async (signal) => {
      let wait = RETRY_MS
      while (!signal.aborted) {
        try {
          wait = await step()
        } catch (error) {
          wait = Math.min(wait * 2, MAX_RETRY_MS)
          logger.warn(
            { reason: error instanceof Error ? error.message : '' },
            'registration failed',
          )
        }
        await delay(wait, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

/** A quote over a recent block, archived before it is named on chain. */
async function attestOnChain(parts: RegistrarParts): Promise<void> {
  const { chain, registry, identity, keys, attester, archive } = parts
  const block = await chain.recentBlock()
  const evidence = await attester.attest({
    kind: 'registration',
    blockNumber: block.number,
    blockHash: block.hash,
  })
  const evidenceHash = await archive.put(evidence)
  const call = {
    statement: identity.statement,
    evidenceHash,
    blockNumber: block.number,
    validUntil: block.timestamp + VALIDITY_S,
    deadline: block.timestamp + DEADLINE_S,
  }
  const digest = attestationDigest({ ...call, bindingId: identity.bindingId }, registry)
  await chain.attest({ ...call, signerSig: signDigest(digest, keys.signerKey) })
}
