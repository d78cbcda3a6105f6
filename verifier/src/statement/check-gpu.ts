import type { Hex } from '../bytes/hex.ts'
import type { GpuRequirement } from '../gpu/gpu-policy.ts'
import type { GpuClaims, GpuCheckName } from '../gpu/gpu-report.ts'
import type { GpuContext, GpuVerifier } from '../gpu/gpu-verifier.ts'
import { decodeGpuEvidence, type GpuEvidence } from '../protocol/gpu-evidence.ts'
import type { NodeStatement } from '../protocol/node-statement.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { ZERO_DIGEST } from '../protocol/report-data.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'

const NAME = 'gpu-evidence'

/** Who judges GPUs, and what the relying party fetched for it. */
export interface GpuJudgement {
  readonly verifier: GpuVerifier
  readonly collateral?: NonNullable<GpuContext['collateral']>
}

/** A relying party's trust in GPUs: `gpuTrust` of `@jeju/verifier/gpu` makes one. */
export interface GpuTrust {
  /** Who judges the GPUs of this evidence bundle, with what was fetched for it. @throws ProtocolError */
  judgementFor(evidence: Uint8Array): Promise<GpuJudgement>
}

/** The one check of the list, the checks behind it, and what they prove where all of them passed. */
export interface CheckedGpu {
  readonly check: Check<typeof NAME>
  readonly checks?: readonly Check<GpuCheckName>[]
  readonly claims?: GpuClaims
}

/** What the evidence must belong to. */
interface GpuBinding {
  readonly at: Date
  readonly policy: GpuRequirement
  /** What the devices must answer. */
  readonly nonce: Uint8Array
}

/**
 * `gpu-evidence`: a CPU-only node says so in both places, and is one where the policy says so. Devices answer the GPU
 * nonce, are those of the statement, and pass every check of their own list; without somebody to judge them nobody
 * accepts them (attacks D1, D3).
 */
export async function checkGpuEvidence(
  statement: NodeStatement,
  bytes: Uint8Array | undefined,
  judgement: GpuJudgement | undefined,
  binding: GpuBinding,
): Promise<CheckedGpu> {
  const { gpuDevicesDigest } = statement
  const claimsGpu = gpuDevicesDigest !== ZERO_DIGEST
  if ((bytes === undefined) === claimsGpu) {
    return refused('devices and evidence, or neither', 'one without the other', 'GPU_MISSING')
  }
  const read = bytes && ((): GpuEvidence => decodeGpuEvidence(bytes))
  return checkDevices(read, judgement, { ...binding, devicesDigest: gpuDevicesDigest })
}

/**
 * The same of devices in whatever form they came, which is read only where somebody is to judge them; `any` where no
 * statement names them.
 */
export async function checkDevices(
  read: (() => GpuEvidence) | undefined,
  judgement: GpuJudgement | undefined,
  { policy, ...binding }: GpuBinding & { readonly devicesDigest: Hex | 'any' },
): Promise<CheckedGpu> {
  if (read === undefined) {
    return policy !== 'forbidden' && policy.presence === 'required'
      ? refused('GPU evidence', 'a CPU-only node', 'GPU_MISSING')
      : { check: passed(NAME, { gpu: 'none: a CPU-only node' }) }
  }
  if (policy === 'forbidden') return refused('a CPU-only node', 'a GPU', 'GPU_FORBIDDEN')
  if (judgement === undefined) return { check: skipped(NAME, 'nobody to judge a GPU was given') }
  const evidence = readOrRefusal(read)
  if (evidence instanceof ProtocolError) {
    return refused('GPU evidence', evidence.message, 'GPU_EVIDENCE_INVALID')
  }
  const { verifier, collateral } = judgement
  const { checks, claims } = await verifier.verify(evidence, {
    ...binding,
    policy,
    ...(collateral === undefined ? {} : { collateral }),
  })
  return claims === undefined
    ? { check: firstObjection(checks), checks }
    : { check: passed(NAME, { ...claims, devices: claims.devices.length }), checks, claims }
}

function readOrRefusal(read: () => GpuEvidence): GpuEvidence | ProtocolError {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

/** What the first check objects to that failed; or the first that was not made. */
function firstObjection(checks: readonly Check<GpuCheckName>[]): Check<typeof NAME> {
  for (const check of checks) {
    if (check.status === 'failed') {
      return failed(NAME, `${check.name}: ${check.expected}`, check.actual, check.code)
    }
  }
  const missing = checks.find(({ status }) => status === 'skipped')
  return failed(NAME, 'every check of GPUs', `${missing?.name ?? 'one'} not made`)
}

function refused(
  expected: string,
  actual: string,
  code: 'GPU_MISSING' | 'GPU_FORBIDDEN' | 'GPU_EVIDENCE_INVALID',
): CheckedGpu {
  return { check: failed(NAME, expected, actual, code) }
}
