import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBareHex } from '@jeju/verifier/protocol'
import { authenticodeDigest } from '../../../../verifier/src/dstack/boot/authenticode.ts'
import {
  atHighMemoryPlace,
  patchedKernel,
} from '../../../../verifier/src/dstack/boot/kernel-header.ts'
import { buildKernel, KERNEL_BYTES, KERNEL_FIELDS } from './kernel-fixture.ts'
import { outcome } from '../outcome.ts'

const GIB = 1n << 30n
const kernel = buildKernel()
const digest = (image: Uint8Array): string => toBareHex(authenticodeDigest(image))
const set = (at: number, value: number): Uint8Array => {
  const image = buildKernel()
  new DataView(image.buffer).setUint32(at, value, true)
  return image
}

describe('Authenticode digest', () => {
  test('is the hash of everything but checksum and certificate directory', () => {
    const { checksum, certificates } = KERNEL_FIELDS
    const expected = createHash('sha384')
      .update(kernel.subarray(0, checksum))
      .update(kernel.subarray(checksum + 4, certificates))
      .update(kernel.subarray(certificates + 8))
      .digest('hex')
    expect(digest(kernel)).toBe(expected)
    expect(digest(set(checksum, 0x12345678))).toBe(expected)
  })

  test('leaves out the certificates at the end, pads to 8 bytes', () => {
    const signed = new Uint8Array(KERNEL_BYTES + 24)
    signed.set(kernel)
    new DataView(signed.buffer).setUint32(KERNEL_FIELDS.certificates, KERNEL_BYTES, true)
    new DataView(signed.buffer).setUint32(KERNEL_FIELDS.certificates + 4, 24, true)
    expect(digest(signed)).toBe(digest(kernel))
    const odd = new Uint8Array(KERNEL_BYTES + 3)
    odd.set(kernel)
    const even = new Uint8Array(KERNEL_BYTES + 8)
    even.set(kernel)
    expect(digest(odd)).toBe(digest(even))
  })

  test('A5 every other byte counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x400, max: KERNEL_BYTES - 1 }), fc.nat(254), (at, mask) => {
        const changed = buildKernel()
        changed[at] = (changed[at] ?? 0) ^ (mask + 1)
        expect(digest(changed)).not.toBe(digest(kernel))
      }),
    )
  })

  const { lfanew, magic, sizeOfHeaders, directories, firstSection } = KERNEL_FIELDS
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['no PE header', set(lfanew, 0x300)],
    ['a PE header behind the file', set(lfanew, 0xffffffff)],
    ['a PE header at the very end', set(lfanew, KERNEL_BYTES - 0x18)],
    ['an unknown optional header', set(magic, 0x10c)],
    ['headers that end before their fields', set(sizeOfHeaders, 0)],
    ['headers behind the file', set(sizeOfHeaders, 0xfffffff0)],
    ['no certificate directory', set(directories, 4)],
    ['a section behind the file', set(firstSection + 20, KERNEL_BYTES)],
    ['sections that overlap', set(firstSection + 20, 0x800)],
  ])('%s', (_, image) => {
    expect(outcome(() => authenticodeDigest(image))).toBe('KERNEL_INVALID')
  })

  test('any header bytes changed: measured, or refused with a code', () => {
    const change = fc.tuple(fc.nat(0x3ff), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = buildKernel()
        for (const [at, byte] of changes) changed[at] = byte
        const judged = outcome(() => authenticodeDigest(patchedKernel(changed, 0x1000, 2n * GIB)))
        expect(['passed', 'KERNEL_INVALID']).toContain(judged)
      }),
    )
  })
})

describe('the setup header as QEMU writes it', () => {
  const read = (image: Uint8Array, at: number): number =>
    new DataView(image.buffer, image.byteOffset).getUint32(at, true)
  const initrdPlace = (memory: bigint): number =>
    read(patchedKernel(kernel, 0x10_0000, memory), 0x218)

  test('loader, heap, command line, RAM disk', () => {
    const patched = patchedKernel(kernel, 0x10_0000, 2n * GIB)
    expect([patched[0x210], patched[0x211]]).toEqual([0xb0, 0x81])
    expect(read(patched, 0x224)).toBe(0x2_0000 - 0x1_0000 - 0x200)
    expect(read(patched, 0x228)).toBe(0x2_0000)
    expect(read(patched, 0x21c)).toBe(0x10_0000)
    // 2 GiB - ACPI data - 1 - size, on a page.
    expect(read(patched, 0x218)).toBe(0x8000_0000 - 0x2_8000 - 0x1000 - 0x10_0000)
  })

  test('the RAM disk has one place at 2 GiB and from 2816 MiB on, others between and below', () => {
    const high = initrdPlace(64n * GIB)
    expect([initrdPlace(2n * GIB), initrdPlace(0xb000_0000n)]).toEqual([high, high])
    expect(initrdPlace(2n * GIB - 4096n)).not.toBe(high)
    expect(initrdPlace(0xb000_0000n - 4096n)).not.toBe(high)
    expect([2n * GIB, 0xb000_0000n, 64n * GIB].every(atHighMemoryPlace)).toBe(true)
    expect([GIB, 2n * GIB + 4096n, 0xb000_0000n - 1n].some(atHighMemoryPlace)).toBe(false)
  })

  test('A5 the digest depends on memory and RAM disk where QEMU patches', () => {
    const at = (memory: bigint, initrd = 0x1000): string =>
      digest(patchedKernel(kernel, initrd, memory))
    expect(at(2n * GIB)).toBe(at(64n * GIB))
    expect(at(GIB)).not.toBe(at(2n * GIB))
    expect(at(2n * GIB, 0x2000)).not.toBe(at(2n * GIB))
    expect(at(2n * GIB)).not.toBe(digest(kernel))
  })

  test.each([
    ['too short a kernel', kernel.slice(0, 0xfff), 0x1000, 2n * GIB],
    ['no memory', kernel, 0x1000, 4096n],
    ['too large a RAM disk', kernel, 0x7fff_ffff, 2n * GIB],
    ['an old protocol', set(0x206, 0x0202), 0x1000, 2n * GIB],
  ])('%s', (_, image, initrd, memory) => {
    expect(outcome(() => patchedKernel(image, initrd, memory))).toBe('KERNEL_INVALID')
  })
})
