import { ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import type { NodeChain } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** What the registry grants this node, as of a look at the chain. */
export interface GrantedEvidence {
  /** Block that the evidence of the last grant names. */
  readonly blockNumber: bigint
  /** The chain's own time, Unix seconds. */
  readonly timestamp: bigint
}

/** Keeps the registry's record of which GPUs are this node's. */
export interface DeviceClaim {
  /**
   * Claims them on evidence that nothing was claimed on yet. A refusal costs the tier and not the binding: it is logged,
   * and nothing is thrown.
   */
  keep(granted: GrantedEvidence): Promise<void>
  /**
   * Whether the GPUs are to be shown to the chain again, since evidence is claimed on soon or never: half of the claim's
   * lease is over; or it was refused, and who had them then may have let them go since: when their lease is over, or else
   * after as long as one.
   */
  isDue(granted: GrantedEvidence): Promise<boolean>
}

/** Collaborators of {@link createDeviceClaim}. */
export interface DeviceClaimParts {
  readonly chain: NodeChain
  readonly identity: NodeIdentity
  /** Identities of the devices of the statement, ascending; none on a CPU-only node. */
  readonly devices: readonly Hex[]
  readonly logger: Logger
  readonly now: () => Date
}

/** Another binding holds its devices for hours; it may also be revoked at any moment. */
const AGAIN_MS = 300_000
/** A claim that could not be sent for as long, with half of the lease over, is made on new evidence. */
const UNSENT_S = 1800n

/** One device, one binding (attack D7): without a claim the registry calls the node TDX and not TDX_GPU. */
export function createDeviceClaim(parts: DeviceClaimParts): DeviceClaim {
  const { chain, identity, devices, logger, now } = parts
  const { bindingId, statement } = identity
  const { verification } = chain
  let notBefore = 0
  /** Since when this process has known the evidence of the last grant. */
  let seen: GrantedEvidence | undefined
  /** Until when others keep the devices, as of the last refusal. */
  let heldUntil = 0n
  if (statement.gpuDevicesDigest === ZERO_DIGEST || verification === undefined) {
    return { keep: () => Promise.resolve(), isDue: () => Promise.resolve(false) }
  }
  return {
    keep: async ({ blockNumber }) => {
      if (now().getTime() < notBefore) return
      try {
        const claim = await verification.deviceClaim(bindingId)
        if (claim.isWhole && claim.blockNumber >= blockNumber) return
        const { gasUsed } = await verification.claimDevices(statement, devices)
        logger.info({ devices: devices.length, gas: gasUsed.toString() }, 'GPUs claimed on chain')
      } catch (error) {
        notBefore = now().getTime() + AGAIN_MS
        const reason = error instanceof Error ? error.message : 'failed'
        logger.warn({ reason }, 'the registry does not have the GPUs as those of this node')
        heldUntil = await verification.heldUntil(bindingId, devices).catch(() => 0n)
      }
    },
    isDue: async (granted) => {
      const { blockNumber, timestamp } = granted
      if (seen?.blockNumber !== blockNumber) seen = granted
      const {
        isWhole,
        keptUntil,
        leaseS,
        blockNumber: claimed,
      } = await verification.deviceClaim(bindingId)
      if (isWhole) {
        // What was granted since the claim is claimed first, as long as it can be.
        const isSent = claimed >= blockNumber || timestamp >= seen.timestamp + UNSENT_S
        return isSent && timestamp + leaseS / 2n >= keptUntil
      }
      // A lease that was over when this was granted is not why it was refused.
      const isHeld = heldUntil >= seen.timestamp
      return isHeld ? timestamp > heldUntil : timestamp >= seen.timestamp + leaseS
    },
  }
}
