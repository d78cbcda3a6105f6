import { equalBytes } from '../../bytes/bytes.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'
import type { BootImage } from './boot-image.ts'
import {
  BOOT_REGISTERS,
  computeBootRegisters,
  type BootRegister,
  type BootRegisterValues,
} from './boot-registers.ts'
import type { AcpiDigests } from './rtmr0.ts'
import type { VmConfig } from './vm-config.ts'

/** Registers that somebody measured, of an image on one VM shape, 48 bytes each. Accepted as a set. */
export type PinnedRegisters = Readonly<Record<BootRegister, Hex>>

/** SHA-384 of reviewed ACPI blobs of one VM shape, 48 bytes each. Accepted together. */
export type PinnedAcpi = Readonly<Record<keyof AcpiDigests, Hex>>

/** How far a register was judged. */
export type RegisterJudgement =
  | {
      readonly basis: 'recomputed' | 'recomputed, ACPI tables as logged' | 'pinned'
      readonly agrees: boolean
      readonly expected: Hex
      readonly actual: Hex
    }
  | { readonly basis: 'not judged'; readonly because: string; readonly actual: Hex }

/** The judgement of each register. */
export type BootJudgement = Readonly<Record<BootRegister, RegisterJudgement>>

/** Whether every register was judged and agrees. */
export function bootAgrees(judgement: BootJudgement): boolean {
  return BOOT_REGISTERS.every((register) => {
    const result = judgement[register]
    return result.basis !== 'not judged' && result.agrees
  })
}

/** The signed registers against one pinned set. */
export function judgePinned(signed: BootRegisterValues, pinned: PinnedRegisters): BootJudgement {
  return eachRegister((register) => {
    const actual = toHex(signed[register])
    const expected = pinned[register]
    return { basis: 'pinned', agrees: actual === expected, expected, actual }
  })
}

/** Where the ACPI digests of a recomputed RTMR0 may come from. */
export interface AcpiSources {
  /** Reviewed sets, which go before what a log states. */
  readonly reviewed: readonly PinnedAcpi[]
  /** What the log states; undefined where it is not to be believed, or states nothing. */
  readonly logged: AcpiDigests | undefined
}

/**
 * The signed registers against those of an image in a machine. Without ACPI digests RTMR0 is not judged.
 * @throws VerifierError `VM_UNSUPPORTED`
 */
export function judgeRecomputed(
  signed: BootRegisterValues,
  image: BootImage,
  vm: Pick<VmConfig, 'memoryBytes' | 'pageOrder'>,
  { reviewed, logged }: AcpiSources,
): BootJudgement {
  const sets = reviewed.map(acpiDigests)
  const fitting = sets.find((acpi) =>
    equalBytes(computeBootRegisters(image, vm, acpi).rtmr0, signed.rtmr0),
  )
  const acpi = fitting ?? logged ?? sets[0]
  const computed = computeBootRegisters(image, vm, acpi ?? NO_ACPI)
  const asLogged = acpi !== undefined && acpi === logged
  return eachRegister((register) => {
    const actual = toHex(signed[register])
    if (register === 'rtmr0' && acpi === undefined) {
      return { basis: 'not judged', because: 'no digests of the ACPI tables', actual }
    }
    return {
      basis: register === 'rtmr0' && asLogged ? 'recomputed, ACPI tables as logged' : 'recomputed',
      agrees: equalBytes(computed[register], signed[register]),
      expected: toHex(computed[register]),
      actual,
    }
  })
}

const NOTHING = new Uint8Array(48)
/** Stands in where RTMR0 is not judged. */
const NO_ACPI: AcpiDigests = { loader: NOTHING, rsdp: NOTHING, tables: NOTHING }

function acpiDigests({ loader, rsdp, tables }: PinnedAcpi): AcpiDigests {
  return {
    loader: fromHex(loader, 48, 'acpi.loader'),
    rsdp: fromHex(rsdp, 48, 'acpi.rsdp'),
    tables: fromHex(tables, 48, 'acpi.tables'),
  }
}

function eachRegister(judge: (register: BootRegister) => RegisterJudgement): BootJudgement {
  return {
    mrtd: judge('mrtd'),
    rtmr0: judge('rtmr0'),
    rtmr1: judge('rtmr1'),
    rtmr2: judge('rtmr2'),
  }
}
