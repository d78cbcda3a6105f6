import { memberAt, type MemberOf } from './enum-members.ts'
import { BINDING_DEVICES, BINDING_TIERS } from './generated/enums.ts'

/** What the registry says of a binding's devices, in words. */
export interface DeviceRecord {
  /** What a listed verifier has shown on chain; `none` where nobody judged. */
  readonly tier: MemberOf<typeof BINDING_TIERS>
  /** Whether the binding holds every device of its statement. */
  readonly devices: MemberOf<typeof BINDING_DEVICES>
}

/** As `bindingOf` gives it; a number that nobody knows counts for nothing. */
export function deviceRecordOf({
  tier,
  devices,
}: {
  readonly tier: number
  readonly devices: number
}): DeviceRecord {
  return {
    tier: memberAt(BINDING_TIERS, tier) ?? 'none',
    devices: memberAt(BINDING_DEVICES, devices) ?? 'not_held',
  }
}

/**
 * Why GPUs that a client has verified itself do not count all the same: on this chain they are not those of this binding,
 * so that somebody else may be selling them (attack D7, docs/protocol.md §4.1). Undefined where they count. It adds
 * nothing to what was verified: where the chain keeps no record, own verification stands alone.
 * @param verified tier of the client's own verdict: real evidence needs a record under the vendor's root, since one
 *   under a simulated root costs nothing
 */
export function objectionToGpus(
  { tier, devices }: DeviceRecord,
  verified: 'tdx' | 'simulated',
): { readonly expected: string; readonly actual: string } | undefined {
  const worlds: readonly DeviceRecord['tier'][] =
    verified === 'tdx' ? ['tdx_gpu'] : ['tdx_gpu', 'simulated']
  if (devices === 'held' && worlds.includes(tier)) return undefined
  if (devices === 'not_kept' && tier === 'none') return undefined
  return {
    expected: `GPUs that the registry has as this binding's (tier ${worlds.join(' or ')}, held)`,
    actual: `tier ${tier}, devices ${devices}`,
  }
}
