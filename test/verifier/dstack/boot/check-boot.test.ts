import { describe, expect, test } from 'vitest'
import { sha256, toBareHex, toHex, utf8 } from '@jeju/verifier/protocol'
import {
  checkBoot,
  type BootEvidence,
  type BootPolicy,
} from '../../../../verifier/src/dstack/boot/check-boot.ts'
import type { BootImage } from '../../../../verifier/src/dstack/boot/boot-image.ts'
import {
  computeBootRegisters,
  type BootRegisterValues,
} from '../../../../verifier/src/dstack/boot/boot-registers.ts'

const digest = (byte: number): Uint8Array => new Uint8Array(48).fill(byte)
const IMAGE: BootImage = {
  from: 'image files',
  osImageHash: sha256(utf8('list')),
  development: false,
  mrtd: { 'two-pass': digest(1), 'single-pass': digest(2) },
  tdHob: { base: 0x809000n, accepted: [{ start: 0x800000n, end: 0x806000n }] },
  cfvDigest: digest(3),
  kernelDigest: digest(4),
  kernelMemory: 'high',
  cmdlineDigest: digest(5),
  initrdDigest: digest(6),
}
const VM = { memoryBytes: 2n << 30n, pageOrder: 'two-pass' } as const
const ACPI = { loader: digest(7), rsdp: digest(8), tables: digest(9) }
const signed = computeBootRegisters(IMAGE, VM, ACPI)
const PINNED = {
  mrtd: toHex(signed.mrtd),
  rtmr0: toHex(signed.rtmr0),
  rtmr1: toHex(signed.rtmr1),
  rtmr2: toHex(signed.rtmr2),
}
const REVIEWED = {
  loader: toHex(ACPI.loader),
  rsdp: toHex(ACPI.rsdp),
  tables: toHex(ACPI.tables),
}
const NOTHING: BootPolicy = {
  osImages: [],
  osImageHashes: [],
  acpi: { reviewed: [], unreviewed: 'refused' },
}
const BY_HASH: BootPolicy = {
  ...NOTHING,
  osImageHashes: [toHex(IMAGE.osImageHash)],
  acpi: { reviewed: [REVIEWED], unreviewed: 'refused' },
}
const EVIDENCE: BootEvidence = {
  vmConfig: JSON.stringify({
    os_image_hash: toBareHex(IMAGE.osImageHash),
    memory_size: 2 * 1024 ** 3,
    qemu_version: '8.2.2',
  }),
  log: Object.values(ACPI).map((bytes) => ({ imr: 0, eventType: 10, digest: bytes })),
  image: IMAGE,
}
const check = (
  policy: BootPolicy,
  evidence: BootEvidence = EVIDENCE,
  registers: BootRegisterValues = signed,
): ReturnType<typeof checkBoot> => checkBoot(registers, policy, evidence)
const withLog: BootPolicy = { ...BY_HASH, acpi: { reviewed: [], unreviewed: 'accepted' } }

describe('os-image-allowed', () => {
  test('A5 empty_allowlist_refuses_all', () => {
    expect(check(NOTHING).status).toBe('failed')
  })

  test('a pinned set: each register says so, and nothing of the host is read', () => {
    const result = check({ ...NOTHING, osImages: [PINNED] }, { vmConfig: undefined, log: [] })
    const pinned = { basis: 'pinned', agrees: true }
    expect(result).toMatchObject({
      status: 'passed',
      evidence: { registers: { mrtd: pinned, rtmr0: pinned, rtmr1: pinned, rtmr2: pinned } },
    })
  })

  test('A5 os_image_unlisted_rejected: registers of two pinned sets are no set', () => {
    const other = { ...PINNED, mrtd: toHex(digest(0xee)) }
    const mixed = { ...PINNED, rtmr2: toHex(digest(0xee)) }
    expect(check({ ...NOTHING, osImages: [other, mixed] }).status).toBe('failed')
    expect(check({ ...NOTHING, osImageHashes: [toHex(sha256(utf8('other')))] })).toMatchObject({
      status: 'failed',
      actual: toHex(IMAGE.osImageHash),
    })
  })

  test('recomputed, with reviewed ACPI tables', () => {
    const recomputed = { basis: 'recomputed', agrees: true }
    expect(check(BY_HASH, { ...EVIDENCE, log: [] })).toMatchObject({
      status: 'passed',
      evidence: {
        registers: { mrtd: recomputed, rtmr0: recomputed, rtmr1: recomputed, rtmr2: recomputed },
      },
    })
  })

  test('recomputed, with the ACPI tables of the log: RTMR0 says so', () => {
    expect(check(withLog)).toMatchObject({
      status: 'passed',
      evidence: {
        registers: {
          mrtd: { basis: 'recomputed' },
          rtmr0: { basis: 'recomputed, ACPI tables as logged' },
        },
      },
    })
  })

  test('A6 ACPI tables that nobody reviewed', () => {
    const other = { ...REVIEWED, tables: toHex(digest(0xee)) }
    const acpi = { reviewed: [other], unreviewed: 'refused' } as const
    expect(check({ ...BY_HASH, acpi })).toMatchObject({
      status: 'failed',
      actual: `rtmr0 ${PINNED.rtmr0}`,
    })
    expect(check({ ...BY_HASH, acpi: { ...acpi, reviewed: [] } })).toMatchObject({
      status: 'failed',
      actual: 'rtmr0 not judged: no digests of the ACPI tables',
    })
    expect(
      check({ ...BY_HASH, acpi: { reviewed: [other, REVIEWED], unreviewed: 'refused' } }).status,
    ).toBe('passed')
  })

  test('a log with two or four ACPI events, or a short digest, states nothing', () => {
    const [first, ...others] = EVIDENCE.log
    if (first === undefined) throw new Error('no log')
    const short = { ...first, digest: first.digest.slice(1) }
    for (const log of [others, [first, ...EVIDENCE.log], [short, ...others]]) {
      expect(check(withLog, { ...EVIDENCE, log })).toMatchObject({
        actual: 'rtmr0 not judged: no digests of the ACPI tables',
      })
    }
  })

  test('A5 os_image_dev_rejected', () => {
    const development = { ...EVIDENCE, image: { ...IMAGE, development: true } }
    expect(check(BY_HASH, development)).toMatchObject({ status: 'failed', actual: 'is_dev' })
  })

  test('A5 each register that differs is named', () => {
    for (const register of ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2'] as const) {
      const registers = { ...signed, [register]: digest(0xee) }
      expect(check(BY_HASH, EVIDENCE, registers)).toMatchObject({
        status: 'failed',
        expected: `${register} ${PINNED[register]}`,
        actual: `${register} ${toHex(digest(0xee))}`,
      })
    }
  })

  test('the page order of another QEMU, another memory', () => {
    const config = (members: object): BootEvidence => ({
      ...EVIDENCE,
      vmConfig: JSON.stringify({ ...JSON.parse(EVIDENCE.vmConfig ?? ''), ...members }),
    })
    expect(check(BY_HASH, config({ qemu_version: '9.1.0' }))).toMatchObject({
      actual: `mrtd ${PINNED.mrtd}`,
    })
    expect(check(BY_HASH, config({ memory_size: 4 * 1024 ** 3 }))).toMatchObject({
      actual: `rtmr0 ${PINNED.rtmr0}`,
    })
    expect(check(BY_HASH, config({ memory_size: 1024 ** 3 }))).toMatchObject({
      expected: 'an image and machine whose registers can be computed',
    })
  })

  test('without vm_config, with a bad one, without a measurement', () => {
    expect(check(BY_HASH, { ...EVIDENCE, vmConfig: undefined }).status).toBe('failed')
    expect(check(BY_HASH, { ...EVIDENCE, vmConfig: '{' }).status).toBe('failed')
    const { image: _, ...unmeasured } = EVIDENCE
    expect(check(BY_HASH, unmeasured)).toMatchObject({ actual: 'none in vm_config' })
  })
})
