import { ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import type { NodeChain } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** Keeps the registry's record of which GPUs are this node's. */
export interface DeviceClaim {
  /**
   * Claims them where the registry does not have them as this binding's. A refusal costs the tier and not the binding:
   * it is logged, and nothing is thrown.
   */
  keep(): Promise<void>
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

/** One device, one binding (attack D7): without a claim the registry calls the node TDX and not TDX_GPU. */
export function createDeviceClaim(parts: DeviceClaimParts): DeviceClaim {
  const { chain, identity, devices, logger, now } = parts
  const { bindingId, statement } = identity
  let notBefore = 0
  return {
    keep: async () => {
      const { verification } = chain
      if (statement.gpuDevicesDigest === ZERO_DIGEST || verification === undefined) return
      if (now().getTime() < notBefore) return
      try {
        if (await verification.holdsDevices(bindingId)) return
        const { gasUsed } = await verification.claimDevices(statement, devices)
        logger.info({ devices: devices.length, gas: gasUsed.toString() }, 'GPUs claimed on chain')
      } catch (error) {
        notBefore = now().getTime() + AGAIN_MS
        const reason = error instanceof Error ? error.message : 'failed'
        logger.warn({ reason }, 'the registry does not have the GPUs as those of this node')
      }
    },
  }
}
