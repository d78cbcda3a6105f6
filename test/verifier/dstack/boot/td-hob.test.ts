import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBareHex, toBareHex } from '@jeju/verifier/protocol'
import { tdHobDigest, tdHobLayout } from '../../../../verifier/src/dstack/boot/td-hob.ts'
import { parseTdHobWitness } from '../../../../verifier/src/dstack/boot/td-hob-witness.ts'
import { parseTdvf } from '../../../../verifier/src/dstack/boot/tdvf.ts'
import { buildFirmware, PAYLOAD, SECTIONS } from './firmware-fixture.ts'
import { outcome } from '../outcome.ts'

const WITNESS = fromBareHex('80100904000609020b021010')
const GIB = 1n << 30n

describe('TD HOB', () => {
  // First events of RTMR0 in logs of real machines (dstack, 2 GiB and 64 GiB).
  test.each([
    [
      2n * GIB,
      '0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb37948f821ebaf8bc9c938ba8a749',
    ],
    [64n * GIB, /^8ae1e425351df799/],
  ])('of a machine with %i bytes, from witness and from firmware', (memory, digest) => {
    expect(toBareHex(tdHobDigest(parseTdHobWitness(WITNESS), memory))).toMatch(digest)
    const sections = parseTdvf(buildFirmware({ payload: PAYLOAD, sections: SECTIONS }))
    const layout = tdHobLayout(sections)
    if (layout === undefined) throw new Error('no layout')
    expect(toBareHex(tdHobDigest(layout, memory))).toMatch(digest)
  })

  test('depends on every byte of memory and on every range', () => {
    const layout = parseTdHobWitness(WITNESS)
    const digest = (memory: bigint): string => toBareHex(tdHobDigest(layout, memory))
    expect(digest(2n * GIB + 4096n)).not.toBe(digest(2n * GIB))
    expect(digest(0xb0000000n)).not.toBe(digest(0xb0000000n - 4096n))
    const fewer = { ...layout, accepted: layout.accepted.slice(1) }
    expect(toBareHex(tdHobDigest(fewer, 2n * GIB))).not.toBe(digest(2n * GIB))
  })

  test('ranges in any order are one layout', () => {
    const layout = parseTdHobWitness(WITNESS)
    fc.assert(
      fc.property(fc.shuffledSubarray([...layout.accepted], { minLength: 4 }), (accepted) => {
        const digest = tdHobDigest({ ...layout, accepted }, 2n * GIB)
        expect(toBareHex(digest)).toBe(toBareHex(tdHobDigest(layout, 2n * GIB)))
      }),
    )
  })

  test('a firmware with none or two TD_HOB sections has no layout', () => {
    const layout = (count: number): unknown =>
      tdHobLayout(
        parseTdvf(
          buildFirmware({
            sections: Array.from({ length: count }, () => ({ memorySize: 0x1000n, type: 2 })),
          }),
        ),
      )
    expect([layout(0), layout(2)]).toEqual([undefined, undefined])
    expect(layout(1)).toEqual({ base: 0n, accepted: [{ start: 0n, end: 4096n }] })
  })
})

describe('witness', () => {
  test.each([
    ['empty', ''],
    ['cut', '801009040006'],
    ['trailing byte', '80100904000609020b02101000'],
    ['a needless byte', '8090000904000609020b021010'],
    ['50000 ranges', '801009d08603'],
    ['page arithmetic beyond the address space', 'ffffffffffffffff7f0101ffffffffffffffff7f01'],
    ['a number without end', 'ffffffffffffffffffffffff'],
  ])('%s', (_, hex) => {
    expect(outcome(() => parseTdHobWitness(fromBareHex(hex)))).toBe('MEASUREMENT_INVALID')
  })

  test('any bytes: a layout whose digest can be taken, or a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const judged = outcome(() => tdHobDigest(parseTdHobWitness(bytes), 2n * GIB))
        expect(['passed', 'MEASUREMENT_INVALID']).toContain(judged)
      }),
    )
  })
})
