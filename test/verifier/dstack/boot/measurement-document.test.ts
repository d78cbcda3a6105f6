import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromBareHex, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { parseMeasurementDocument } from '../../../../verifier/src/dstack/boot/measurement-document.ts'
import { cmdlineDigest, computeRtmr2 } from '../../../../verifier/src/dstack/boot/rtmr2.ts'
import { encodeDocument, type Documented } from './document-fixture.ts'
import { outcome } from '../outcome.ts'

const CMDLINE = `console=ttyS0 dstack.rootfs_hash=${'1'.repeat(64)} dstack.rootfs_size=4096`
const digest = (byte: number): Uint8Array => new Uint8Array(48).fill(byte)
const TDVF: Documented = {
  ovmf: 'pre202505',
  mrtd: { single_pass: digest(4), two_pass: digest(5) },
  td_hob: fromBareHex('80100904000609020b021010'),
}
const V3: Documented = {
  version: 3,
  image: {
    cmdline_sha384: cmdlineDigest(CMDLINE),
    kernel_authenticode: digest(2),
    initrd_sha384: digest(3),
  },
  tdvf: TDVF,
}
const V4: Documented = {
  version: 4,
  image: {
    cmdline: CMDLINE,
    kernel_authenticode: digest(2),
    kernel_header_normalized: true,
    initrd_sha384: digest(3),
  },
  tdvf: TDVF,
}
const read = (document: Documented): string =>
  outcome(() => parseMeasurementDocument(encodeDocument(document)))
const image = (members: object): Documented => ({ ...V4, image: { ...image4, ...members } })
const image4 = V4['image'] as object
const tdvf = (members: object): Documented => ({ ...V4, tdvf: { ...TDVF, ...members } })

describe('measurement document', () => {
  test('versions 3 and 4 say the same about one image', () => {
    const three = parseMeasurementDocument(encodeDocument(V3))
    const four = parseMeasurementDocument(encodeDocument(V4))
    expect(three).toEqual({
      ...four,
      version: 3,
      cmdline: undefined,
      kernelHeaderNormalized: false,
    })
    expect(four).toMatchObject({ cmdline: CMDLINE, kernelHeaderNormalized: true })
    expect(four.mrtd).toEqual({ 'single-pass': digest(4), 'two-pass': digest(5) })
    expect(toBareHex(computeRtmr2(three.cmdlineDigest, digest(3)))).toBe(
      toBareHex(computeRtmr2(four.cmdlineDigest, digest(3))),
    )
  })

  test.each<[string, Documented]>([
    ['version 5', { ...V4, version: 5 }],
    ['version 3 with the members of 4', { ...V4, version: 3 }],
    ['no image', { version: 4, tdvf: TDVF }],
    ['another member', { ...V4, extra: 1 }],
    ['another member of the image', image({ extra: 1 })],
    ['another member of the firmware', tdvf({ extra: true })],
    ['another firmware layout', tdvf({ ovmf: 'stable202505' })],
    ['a short digest', image({ kernel_authenticode: new Uint8Array(47) })],
    ['text for a digest', image({ initrd_sha384: 'x'.repeat(48) })],
    ['a number for a flag', image({ kernel_header_normalized: 1 })],
    ['a command line without root file system', image({ cmdline: 'console=ttyS0' })],
    ['a root file system named within another word', image({ cmdline: `x${CMDLINE.slice(14)}` })],
    ['a bad witness', tdvf({ td_hob: fromBareHex('80') })],
  ])('%s', (_, document) => {
    expect(read(document)).toBe('MEASUREMENT_INVALID')
  })

  const bytes = encodeDocument(V4)
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['trailing byte', concatBytes(bytes, new Uint8Array(1))],
    [
      'a doubled key',
      concatBytes(
        Uint8Array.of(0xa4),
        encodeDocument('version'),
        encodeDocument(4),
        bytes.slice(1),
      ),
    ],
    ['a key that is a number', fromBareHex('a10000')],
    ['a key that is a map', fromBareHex('a1a000')],
    ['a longer head than needed', fromBareHex('a1616118171a')],
    ['a map without end', fromBareHex('bf616100ff')],
    ['a length of 32 bits', fromBareHex('a161615a0000000100')],
    ['a negative number', fromBareHex('a1616120')],
    ['null', fromBareHex('a16161f6')],
    ['an array', fromBareHex('a1616180')],
    ['a tag', fromBareHex('c100')],
    ['not a map', fromBareHex('01')],
    ['too deep', concatBytes(...Array.from({ length: 9 }, () => fromBareHex('a16161')))],
    ['too large', new Uint8Array(64 * 1024 + 1)],
  ])('%s', (_, malformed) => {
    expect(outcome(() => parseMeasurementDocument(malformed))).toBe('MEASUREMENT_INVALID')
  })

  test('every prefix is refused with a code', () => {
    for (let length = 0; length < bytes.length; length++) {
      const prefix = bytes.slice(0, length)
      expect(outcome(() => parseMeasurementDocument(prefix))).toBe('MEASUREMENT_INVALID')
    }
  })

  test('any bytes changed: read, or refused with a code', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = bytes.slice()
        changed[at] = byte
        expect(['passed', 'MEASUREMENT_INVALID', 'INPUT_UTF8']).toContain(
          outcome(() => parseMeasurementDocument(changed)),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('the command line is measured with what QEMU adds, as UTF-16', () => {
    expect(cmdlineDigest('a')).not.toEqual(cmdlineDigest('a '))
    expect(utf8(CMDLINE).length).toBeLessThan(200)
  })
})
