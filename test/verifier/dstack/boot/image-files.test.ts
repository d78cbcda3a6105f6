import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256, toBareHex, toHex, utf8 } from '@jeju/verifier/protocol'
import { computeBootRegisters } from '../../../../verifier/src/dstack/boot/boot-registers.ts'
import { measureImageFiles } from '../../../../verifier/src/dstack/boot/image-files.ts'
import { SECTIONS } from './firmware-fixture.ts'
import { image, withFile, type Changes } from './image-fixture.ts'
import { outcome } from '../outcome.ts'

const GIB = 1n << 30n
const digest = new Uint8Array(48)
const ACPI = { loader: digest, rsdp: digest, tables: digest }

/** Registers by name, in hex. */
function registers(
  files: Map<string, Uint8Array>,
  memory = 2n * GIB,
): Readonly<Record<string, string>> {
  const vm = { memoryBytes: memory, pageOrder: 'two-pass' } as const
  const values = computeBootRegisters(measureImageFiles(files, memory), vm, ACPI)
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toBareHex(value)]))
}

/** Names of the registers in which two images differ. */
const differing = (changes: Changes): readonly string[] => {
  const [before, after] = [registers(image()), registers(image(changes))]
  return Object.keys(before).filter((name) => before[name] !== after[name])
}

describe('an image measured from its files', () => {
  test('names itself by the list of its files', () => {
    const files = image()
    const measured = measureImageFiles(files, 2n * GIB)
    const list = files.get('sha256sum.txt') ?? new Uint8Array(0)
    expect(toHex(measured.osImageHash)).toBe(toHex(sha256(list)))
    expect(measured).toMatchObject({ from: 'image files', development: false })
  })

  test('A5 each input has its register', () => {
    const [code, ...others] = SECTIONS
    expect(differing({ sections: [{ ...code, address: 0xffffc000n }, ...others] })).toEqual([
      'mrtd',
    ])
    const [, variables, ...memory] = SECTIONS
    const larger = { ...variables, rawSize: 0x800 }
    expect(differing({ sections: [code ?? {}, larger, ...memory] })).toEqual(['rtmr0'])
    expect(differing({ metadata: { cmdline: 'console=ttyS0 init=/bin/sh' } })).toEqual(['rtmr2'])
    expect(differing({ metadata: { kernel_header_normalized: true } })).toEqual(['rtmr1'])
    // QEMU writes the size of the RAM disk into the kernel's header.
    expect(differing({ initrd: utf8('longer ram disk') })).toEqual(['rtmr1', 'rtmr2'])
  })

  test('a normalized kernel has one digest at every memory size, another holds for one', () => {
    const normalized = image({ metadata: { kernel_header_normalized: true } })
    expect(registers(normalized, GIB)['rtmr1']).toBe(registers(normalized, 2n * GIB)['rtmr1'])
    expect(registers(image(), GIB)['rtmr1']).not.toBe(registers(image(), 2n * GIB)['rtmr1'])
    const elsewhere = { memoryBytes: GIB, pageOrder: 'two-pass' } as const
    const measured = measureImageFiles(image(), 2n * GIB)
    expect(outcome(() => computeBootRegisters(measured, elsewhere, ACPI))).toBe('VM_UNSUPPORTED')
  })

  test('A5 a file that is not the listed one', () => {
    for (const name of ['ovmf.fd', 'bzImage', 'initramfs.cpio.gz', 'metadata.json']) {
      const files = image()
      files.set(name, utf8('another file'))
      expect(outcome(() => measureImageFiles(files, GIB))).toBe('IMAGE_INVALID')
      files.delete(name)
      expect(outcome(() => measureImageFiles(files, GIB))).toBe('IMAGE_INVALID')
    }
  })

  test.each([
    ['no kernel named', { kernel: undefined }],
    ['a kernel that is not listed', { kernel: 'vmlinuz' }],
    ['not said whether for development', { is_dev: undefined }],
    ['said in text', { is_dev: 'false' }],
    ['another firmware layout', { ovmf_variant: 'stable202505' }],
  ])('metadata: %s', (_, metadata) => {
    expect(outcome(() => measureImageFiles(image({ metadata }), GIB))).toBe('IMAGE_INVALID')
  })

  test('a firmware without hand-off block or variable store', () => {
    for (const type of [1, 2]) {
      const sections = SECTIONS.filter((section) => section.type !== type)
      expect(outcome(() => measureImageFiles(image({ sections }), GIB))).toBe('IMAGE_INVALID')
    }
  })

  test('any file replaced and listed: measured, or refused with a code', () => {
    const names = fc.constantFrom('ovmf.fd', 'bzImage', 'initramfs.cpio.gz', 'metadata.json')
    const codes = ['passed', 'IMAGE_INVALID', 'FIRMWARE_INVALID', 'KERNEL_INVALID', 'INPUT_UTF8']
    fc.assert(
      fc.property(names, fc.uint8Array({ maxLength: 9000 }), (name, content) => {
        const judged = outcome(() => measureImageFiles(withFile(name, content), 2n * GIB))
        expect(codes).toContain(judged)
      }),
      { numRuns: 40 },
    )
  })
})
