import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '@jeju/verifier/protocol'
import { computeMrtd } from '../../../../verifier/src/dstack/boot/mrtd.ts'
import { tdHobDigest, tdHobLayout } from '../../../../verifier/src/dstack/boot/td-hob.ts'
import { parseTdvf } from '../../../../verifier/src/dstack/boot/tdvf.ts'
import { buildFirmware, PAYLOAD, SECTIONS, type FirmwareParts } from './firmware-fixture.ts'
import { outcome } from '../outcome.ts'

const PARTS: FirmwareParts = { payload: PAYLOAD, sections: SECTIONS }
const firmware = buildFirmware(PARTS)

/** Everything that is done with a firmware file. */
function measure(bytes: Uint8Array): void {
  const sections = parseTdvf(bytes)
  computeMrtd(sections, 'two-pass')
  computeMrtd(sections, 'single-pass')
  const layout = tdHobLayout(sections)
  if (layout !== undefined) tdHobDigest(layout, 0x8000_0000n)
}

test('sections are read in file order, with their content', () => {
  const sections = parseTdvf(firmware)
  expect(sections.map(({ address, size, type }) => [address, size, type])).toEqual(
    SECTIONS.map(({ address, memorySize, type = 0 }) => [address, Number(memorySize), type]),
  )
  expect(sections[0]).toMatchObject({ extended: true, augmented: false })
  expect(sections[0]?.content).toEqual(PAYLOAD.slice(0, 0x2000))
  expect(sections[1]).toMatchObject({ extended: false })
})

describe('a file that is no firmware', () => {
  const page = { address: 0n, memorySize: 0x1000n }
  const one = (section: object): FirmwareParts => ({ payload: PAYLOAD, sections: [section] })
  test.each<[string, FirmwareParts]>([
    ['no descriptor', { ...PARTS, signature: 'TDVX' }],
    ['version 2', { ...PARTS, version: 2 }],
    ['more sections than the file holds', { ...PARTS, declaredSections: 60 }],
    ['2^32 - 1 sections', { ...PARTS, declaredSections: 0xffffffff }],
    ['65 sections', { sections: Array.from({ length: 65 }, () => ({})) }],
    ['a descriptor before the file', { ...PARTS, descriptorOffset: 0xffffffff }],
    ['a descriptor at the end', { ...PARTS, descriptorOffset: 0 }],
    ['an entry of length 0', { ...PARTS, entryLength: 0 }],
    ['an entry of length 17', { ...PARTS, entryLength: 17 }],
    ['an entry without content', { ...PARTS, entryLength: 18 }],
    ['an entry before the table', { ...PARTS, entryLength: 0xffff }],
    ['a table of length 0', { ...PARTS, tableLength: 0 }],
    ['a table before the file', { ...PARTS, tableLength: 0xffff, entryLength: 0x8000 }],
    ['content behind the file', one({ ...page, dataOffset: 0xffffff, rawSize: 0x1000 })],
    ['content whose end wraps', one({ ...page, dataOffset: 0xffffffff, rawSize: 0x1000 })],
    ['more content than memory', one({ ...page, rawSize: 0x1001 })],
    ['measured beyond its content', one({ ...page, rawSize: 0xfff, attributes: 1 })],
    ['an address within a page', one({ ...page, address: 1n })],
    ['a size within a page', one({ ...page, memorySize: 0x1001n })],
    ['an address that wraps', one({ address: 0xfffffffffffff000n, memorySize: 0x2000n })],
    ['16 TiB', one({ address: 0n, memorySize: 0x1000_0000_0000n })],
    [
      'more pages than allowed, in two sections',
      {
        sections: [
          { address: 0n, memorySize: 0x1000_0000n },
          { address: 0x1000_0000n, memorySize: 0x1000n },
        ],
      },
    ],
  ])('%s', (_, parts) => {
    expect(outcome(() => parseTdvf(buildFirmware(parts)))).toBe('FIRMWARE_INVALID')
  })

  test('no footer, no bytes', () => {
    expect(outcome(() => parseTdvf(new Uint8Array(0)))).toBe('FIRMWARE_INVALID')
    expect(outcome(() => parseTdvf(new Uint8Array(4096)))).toBe('FIRMWARE_INVALID')
  })

  test('one that measures its content again and again', () => {
    const payload = new Uint8Array(0x20_0000)
    const section = { rawSize: payload.length, memorySize: BigInt(payload.length), attributes: 1 }
    const again = buildFirmware({ payload, sections: Array.from({ length: 30 }, () => section) })
    expect(outcome(() => measure(again))).toBe('FIRMWARE_INVALID')
  })

  test('any bytes changed: read, or refused with a code', () => {
    const tail = firmware.length - PAYLOAD.length
    const change = fc.tuple(fc.nat(tail - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = firmware.slice()
        for (const [at, byte] of changes) changed[PAYLOAD.length + at] = byte
        expect(['passed', 'FIRMWARE_INVALID']).toContain(outcome(() => measure(changed)))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const behind = concatBytes(bytes, firmware.slice(-50))
        expect(['passed', 'FIRMWARE_INVALID']).toContain(outcome(() => measure(behind)))
      }),
    )
  })
})
