import type { GpuClaims } from '../gpu/gpu-report.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed } from '../report/check.ts'
import { checkDevices, type CheckedGpu } from '../statement/check-gpu.ts'
import type { DialectContext } from './judge-quote.ts'

/** Belongs to GPUs of a dialect whose quote names their nonce and not their answer. */
export const RELAY_NOT_EXCLUDED =
  'that these GPUs answered this machine: the quote does not name their answer, and other machines answer any nonce'

/**
 * `gpu-evidence` of a dialect: devices over that dialect's nonce, by the same checks as everywhere; that they are those
 * of a statement nobody can say. What cannot be read is refused, not thrown: the quote beside it was judged.
 */
export async function checkDialectDevices(
  read: () => readonly GpuDeviceEvidence[],
  nonce: Uint8Array,
  { policy, gpu }: Pick<DialectContext, 'policy' | 'gpu'>,
  at: Date,
  alsoNotProven: readonly string[] = [],
): Promise<CheckedGpu> {
  let devices: readonly GpuDeviceEvidence[]
  try {
    devices = read()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const check = failed('gpu-evidence', 'GPU evidence', error.message, 'GPU_EVIDENCE_INVALID')
    return { check }
  }
  const found = devices.length === 0 ? undefined : () => ({ devices })
  const binding = { at, policy: policy.gpu, nonce, devicesDigest: 'any' } as const
  const checked = await checkDevices(found, gpu, binding)
  if (checked.claims === undefined) return checked
  const claims: GpuClaims = {
    ...checked.claims,
    notProven: [...checked.claims.notProven, ...alsoNotProven],
  }
  return { ...checked, claims }
}
