import { toHex, type Hex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../../report/check.ts'
import { acpiDigestsOf, type BootLogEvent } from './acpi-log.ts'
import { embeddedBootImage, type BootImage } from './boot-image.ts'
import { BOOT_REGISTERS, type BootRegisterValues } from './boot-registers.ts'
import {
  bootAgrees,
  judgePinned,
  judgeRecomputed,
  type BootJudgement,
  type PinnedAcpi,
  type PinnedRegisters,
} from './judge-boot.ts'
import { parseVmConfig, type VmConfig } from './vm-config.ts'

/** Which boots a relying party accepts (attacks A5 and A10). Two empty lists accept nothing. */
export interface BootPolicy {
  /** Sets of registers, taken from reviewers. */
  readonly osImages: readonly PinnedRegisters[]
  /** Images whose registers are recomputed: SHA-256 of `sha256sum.txt`. Reviewed, and not for development. */
  readonly osImageHashes: readonly Hex[]
  /** ACPI tables of recomputed registers. */
  readonly acpi: {
    readonly reviewed: readonly PinnedAcpi[]
    /** Accepts any tables that were measured. The host makes them, and they can carry code (AML). */
    readonly unreviewed: 'accepted' | 'refused'
  }
}

/** What the host and the caller have to say about a boot. Only the policy's lists make any of it count. */
export interface BootEvidence {
  /** JSON text of the host's `vm_config`. */
  readonly vmConfig: string | undefined
  /** The event log, for the digests of the ACPI tables. */
  readonly log: readonly BootLogEvent[]
  /** The image as the caller measured it from its files; else the measurement in `vm_config` is taken. */
  readonly image?: BootImage
}

const NAME = 'os-image-allowed'
type Result = Check<typeof NAME>

/**
 * `os-image-allowed`: MRTD and RTMR0 to 2 are those of an accepted image. The evidence says for each register whether
 * it was recomputed or compared with a pinned value.
 */
export function checkBoot(
  signed: BootRegisterValues,
  policy: BootPolicy,
  evidence: BootEvidence,
): Result {
  for (const pinned of policy.osImages) {
    const judgement = judgePinned(signed, pinned)
    if (bootAgrees(judgement)) return passed(NAME, { registers: judgement })
  }
  if (policy.osImageHashes.length === 0) {
    return failed(
      NAME,
      `one of ${policy.osImages.length} listed images`,
      `MRTD ${toHex(signed.mrtd)}`,
    )
  }
  try {
    return recompute(signed, policy, evidence)
  } catch (error) {
    if (!(error instanceof VerifierError || error instanceof ProtocolError)) throw error
    return failed(NAME, 'an image and machine whose registers can be computed', error.message)
  }
}

function recompute(
  signed: BootRegisterValues,
  policy: BootPolicy,
  { vmConfig, log, image: measured }: BootEvidence,
): Result {
  if (vmConfig === undefined) return failed(NAME, 'a vm_config', 'none')
  const vm = parseVmConfig(vmConfig)
  const image = measured ?? embeddedBootImage(vm)
  if (image === undefined) return failed(NAME, 'a measurement of the image', 'none in vm_config')
  const osImageHash = toHex(image.osImageHash)
  if (!policy.osImageHashes.includes(osImageHash)) {
    return failed(NAME, `one of ${policy.osImageHashes.length} listed image hashes`, osImageHash)
  }
  if (image.development === true) return failed(NAME, 'an image for production', 'is_dev')
  const judgement = judgeRecomputed(signed, image, vm, {
    reviewed: policy.acpi.reviewed,
    logged: policy.acpi.unreviewed === 'accepted' ? acpiDigestsOf(log) : undefined,
  })
  return bootAgrees(judgement)
    ? passed(NAME, { osImageHash, from: image.from, ...machine(vm), registers: judgement })
    : disagreement(judgement)
}

function machine({ memoryBytes, pageOrder }: VmConfig): Readonly<Record<string, unknown>> {
  return { memoryBytes: memoryBytes.toString(), pageOrder }
}

function disagreement(judgement: BootJudgement): Result {
  const wrong = BOOT_REGISTERS.map((register) => ({ register, ...judgement[register] })).filter(
    (result) => result.basis === 'not judged' || !result.agrees,
  )
  return failed(
    NAME,
    wrong
      .map((result) =>
        result.basis === 'not judged'
          ? `${result.register} judged`
          : `${result.register} ${result.expected}`,
      )
      .join(', '),
    wrong
      .map((result) =>
        result.basis === 'not judged'
          ? `${result.register} not judged: ${result.because}`
          : `${result.register} ${result.actual}`,
      )
      .join(', '),
  )
}
