import { describe, expect, test } from 'vitest'
import type { SpdmContent } from '@jeju/simulator/gpu'
import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import { signP384 } from '../../../simulator/src/gpu/p384-key.ts'
import { failures, gpusOf } from './fixture.ts'
import { hopper, lied } from './lies.ts'

/** Reports that are not of the one form, whoever signed them. */

const nvdaod = gpusOf({ format: 'nvdaod' })
const REFUSED = ['gpu-report GPU_REPORT_INVALID']
/** Where the first measurement block begins, and how long each is. */
const BLOCKS = 45
const BLOCK = 55
/** Where opaque data of a report of 64 blocks begins. */
const OPAQUE = 79 + 64 * BLOCK

/** Other bytes at a place, after it was signed: a reader refuses them before it asks for a signature. */
function put(at: number, ...bytes: readonly number[]) {
  return (report: Uint8Array): Uint8Array => {
    const changed = report.slice()
    changed.set(bytes, at)
    return changed
  }
}

describe('SPDM', () => {
  test.each([
    ['another version of the request', put(0, 0x12)],
    ['another request', put(1, 0xe1)],
    ['a request without signature', put(2, 0x00)],
    ['a request for another slot', put(36, 1)],
    ['another version of the response', put(37, 0x12)],
    ['an error as response', put(38, 0x7f)],
    ['one block less than there are', put(41, 63)],
    ['one block more than there are', put(41, 65)],
    ['a record one byte short', put(42, (64 * BLOCK - 1) & 0xff)],
    ['an index of zero', put(BLOCKS, 0)],
    ['an index twice', put(BLOCKS + BLOCK, 1)],
    ['a specification that is not of DMTF', put(BLOCKS + 1, 2)],
    ['a size that is not that of the value', put(BLOCKS + 2, 52)],
    ['a value longer than its block', put(BLOCKS + 5, 49)],
    ['opaque data one byte short', put(77 + 64 * BLOCK, 0)],
    ['a record of opaque data beyond its end', put(OPAQUE + 2, 0xff, 0xff)],
    [
      'more than the driver’s buffer holds',
      (all: Uint8Array) => concatBytes(all, new Uint8Array(8192)),
    ],
  ])('%s', async (_, report) => {
    expect(failures(await lied({ report }))).toEqual(REFUSED)
  })

  test('up to three zero bytes behind the signature are nobody’s', async () => {
    for (const zeros of [1, 2, 3]) {
      const report = (all: Uint8Array): Uint8Array => concatBytes(all, new Uint8Array(zeros))
      expect(failures(await lied({ report }))).toEqual([])
    }
  })

  test('blocks in another order are the same blocks', async () => {
    const key = hopper.devices[0]?.certificates.leaf.key
    if (key === undefined) throw new Error('no device')
    const report = (honest: Uint8Array): Uint8Array => {
      const signed = honest.slice(0, -96)
      const block = (index: number): Uint8Array =>
        honest.slice(BLOCKS + index * BLOCK, BLOCKS + (index + 1) * BLOCK)
      for (let index = 0; index < 64; index++) signed.set(block(63 - index), BLOCKS + index * BLOCK)
      return concatBytes(signed, signP384(key, signed))
    }
    expect(failures(await lied({ report }))).toEqual([])
  })
})

describe('NVDAOD', () => {
  test.each([
    ['another profile', put(OPAQUE + 6, 1)],
    ['a version that is to come', put(OPAQUE + 8, 3)],
    ['a magic that is another', put(OPAQUE, 0x6e)],
  ])('%s', async (_, report) => {
    expect(failures(await lied({ report }, nvdaod))).toEqual(REFUSED)
  })

  test('an older version, and a smaller difference', async () => {
    for (const report of [put(OPAQUE + 8, 1), put(OPAQUE + 9, 7)]) {
      // Read; but changed after it was signed.
      expect(failures(await lied({ report }, nvdaod))).toEqual([
        'gpu-report-signature GPU_REPORT_SIGNATURE_INVALID',
      ])
    }
  })

  test.each([
    ['a value type that nobody knows', 0x88, 4],
    ['a security version of three bytes', 0x87, 3],
    ['a security version of four bytes', 0x87, 4],
    ['a number of two bytes', 0x83, 2],
    ['two numbers in the place of one', 0x83, 8],
    ['numbers cut short', 0x84, 7],
  ])('%s', async (_, valueType, length) => {
    const more = { id: 0x7000, valueType, data: new Uint8Array(length) }
    const content = (honest: SpdmContent): SpdmContent => ({
      ...honest,
      opaque: [...honest.opaque, more],
    })
    expect(failures(await lied({ content }, nvdaod))).toEqual(REFUSED)
    // The older format has no value types.
    expect(failures(await lied({ content }, hopper))).toEqual([])
  })
})

describe('records of opaque data', () => {
  test.each<readonly [string, number, Uint8Array]>([
    ['a driver that is no ASCII', 3, Uint8Array.of(0x35, 0xff, 0)],
    ['a VBIOS of seven bytes', 6, new Uint8Array(7)],
    ['a status of two bytes', 21, Uint8Array.of(0x55, 0x55)],
    ['a status that is neither', 21, Uint8Array.of(0x56)],
  ])('%s', async (_, id, data) => {
    const content = (honest: SpdmContent): SpdmContent => ({
      ...honest,
      opaque: honest.opaque.map((record) => (record.id === id ? { ...record, data } : record)),
    })
    expect(failures(await lied({ content }))).toEqual(['gpu-identity GPU_REPORT_INVALID'])
  })

  test('text ends at its first NUL, whatever stands behind it', async () => {
    const content = (honest: SpdmContent): SpdmContent => ({
      ...honest,
      opaque: honest.opaque.map((record) =>
        record.id === 3 ? { ...record, data: utf8('595.71.05\0\xff\xfe') } : record,
      ),
    })
    expect(failures(await lied({ content }))).toEqual([])
  })
})
