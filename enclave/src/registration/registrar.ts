import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from '@jeju/verifier/protocol'
import type { BindingRecord, BindingStatus } from '../chain/node-chain.ts'
import { createDeviceClaim } from './device-claim.ts'
import { grantBinding, keysetEndOf, type GrantParts } from './grants.ts'

/** Keeps this node's binding on chain valid. */
export interface Registrar {
  /** Whether the registry has a valid binding, as of the last look. */
  readonly registered: boolean
  /** Why there is none, in words and public values; undefined while there is one, and before the first look. */
  readonly reason: string | undefined
  /** Works until the signal: waits for the owner's approval, attests, renews at half life (of the claim of its GPUs, too) and when the chain thinks otherwise of it. */
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
const MAX_REASON_CHARACTERS = 600

/** Collaborators of {@link createRegistrar}. */
export interface RegistrarParts extends GrantParts {
  readonly now: () => Date
  /** Identities of the devices of the statement, ascending; none on a CPU-only node. */
  readonly devices: readonly Hex[]
}

/** A registrar; every step can fail and be repeated, since state is read from the chain each time. */
export function createRegistrar(parts: RegistrarParts): Registrar {
  const { chain, identity, archive, logger, now } = parts
  const { bindingId } = identity
  const keysetEnd = keysetEndOf(identity)
  const devices = createDeviceClaim(parts)
  let validUntilMs = 0
  let failures = 0
  let reason: string | undefined
  /** As of the last look: what turned a binding that was good. */
  let status: BindingStatus = 'unknown'

  // Lifetimes are counted from the chain's own time: the clock here belongs to the host.
  const look = async (): Promise<
    BindingRecord & {
      readonly leftS: bigint
      readonly validityS: bigint
      readonly timestamp: bigint
    }
  > => {
    const [binding, { timestamp }, longest, stands] = await Promise.all([
      chain.binding(bindingId),
      chain.recentBlock(),
      chain.bindingValidity(),
      chain.bindingStatus(bindingId),
    ])
    // A crash may have come between block and confirmation.
    await archive.confirm(binding.evidence)
    if (stands !== status)
      logger.info({ bindingId, status: stands }, 'the binding stands otherwise')
    status = stands
    if (binding.valid) reason = undefined
    const leftS = binding.valid ? binding.validUntil - timestamp : 0n
    validUntilMs = now().getTime() + Number(leftS) * 1000
    const validityS = longest < MAX_VALIDITY_S ? longest : MAX_VALIDITY_S
    return { ...binding, leftS, validityS, timestamp }
  }
  /** Does what is due and says when to look again, in milliseconds. */
  const step = async (): Promise<number> => {
    const binding = await look()
    if (binding.revoked) {
      reason = 'the binding is revoked'
      logger.error({ bindingId }, 'binding is revoked')
      return MAX_RETRY_MS
    }
    // Nothing outlives the keyset, so a binding that ends with it cannot be made longer.
    const isLongest = binding.valid && binding.validUntil >= keysetEnd
    const isFresh = isLongest || binding.leftS > binding.validityS / 2n
    if (isFresh) {
      await devices.keep(binding)
      if (!(await devices.isDue(binding))) return WATCH_MS
    }
    if (!(await chain.isBindingApproved(identity.statement.agentId, bindingId))) {
      // Good for as long as it lasts; whoever else shows the GPUs now may have them.
      if (isFresh) return WATCH_MS
      reason = 'waiting for the owner to approve the binding'
      logger.info({ bindingId }, reason)
      return APPROVAL_MS
    }
    await grantBinding(parts, binding)
    // Seen before the GPUs are claimed: a claim that is slow to be mined holds up nothing that is granted.
    const granted = await look()
    const { valid } = granted
    await devices.keep(granted)
    if (!valid) reason = `granted, and the registry calls it ${status}`
    logger.info({ bindingId, valid }, 'bound on chain')
    return valid ? WATCH_MS : APPROVAL_MS
  }

  return {
    get registered() {
      return validUntilMs > now().getTime()
    },
    get reason() {
      return validUntilMs > now().getTime() ? undefined : reason
    },
    run: async (signal) => {
      while (!signal.aborted) {
        const wait = await step().then(
          (due) => {
            failures = 0
            return due
          },
          (error: unknown) => {
            const words = error instanceof Error ? error.message : 'failed'
            reason = words.slice(0, MAX_REASON_CHARACTERS)
            logger.warn({ reason, status }, 'registration failed')
            return Math.min(FIRST_RETRY_MS * 2 ** failures++, MAX_RETRY_MS)
          },
        )
        await delay(wait, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
