import { describe, expect, test } from 'vitest'
import { fromBareHex, utf8 } from '@jeju/verifier/protocol'
import { requireSameMeasurement } from '../../../../verifier/src/dstack/boot/compare-document.ts'
import { measureImageFiles } from '../../../../verifier/src/dstack/boot/image-files.ts'
import { parseMeasurementDocument } from '../../../../verifier/src/dstack/boot/measurement-document.ts'
import { EMPTY_CFV } from '../../../../verifier/src/dstack/boot/rtmr0.ts'
import { outcome } from '../outcome.ts'
import { encodeDocument } from './document-fixture.ts'
import { image, withFile } from './image-fixture.ts'

const GIB = 1n << 30n

describe('an image that carries its own measurement', () => {
  const cmdline = `init=/init dstack.rootfs_hash=${'1'.repeat(64)}`
  // The variable store of the fixture is not the empty one that documents stand for.
  const store = 'the variable store'
  const plain = (): Map<string, Uint8Array> =>
    image({ metadata: { cmdline, kernel_header_normalized: true } })
  const measured = measureImageFiles(plain(), GIB)
  const document = (members: object = {}, tdvf: object = {}): Uint8Array =>
    encodeDocument({
      version: 4,
      image: {
        cmdline,
        kernel_authenticode: measured.kernelDigest,
        kernel_header_normalized: true,
        initrd_sha384: measured.initrdDigest,
        ...members,
      },
      tdvf: {
        ovmf: 'pre202505',
        mrtd: {
          single_pass: measured.mrtd['single-pass'],
          two_pass: measured.mrtd['two-pass'],
        },
        td_hob: fromBareHex('80100904000609020b021010'),
        ...tdvf,
      },
    })
  /** The member that differs between files and document. */
  const difference = (bytes: Uint8Array): string => {
    try {
      requireSameMeasurement({ ...measured, cfvDigest: EMPTY_CFV }, parseMeasurementDocument(bytes))
      return 'none'
    } catch (error) {
      return /document: ([^:]+):/.exec(String(error))?.[1] ?? String(error)
    }
  }

  test('of the same values', () => {
    expect(difference(document())).toBe('none')
  })

  test('A5 of others: each is named', () => {
    const other = new Uint8Array(48)
    const mrtd = { single_pass: other, two_pass: other }
    expect(difference(document({ kernel_authenticode: other }))).toBe('kernel_authenticode')
    expect(difference(document({ initrd_sha384: other }))).toBe('initrd_sha384')
    expect(difference(document({ cmdline: `x ${cmdline}` }))).toBe('cmdline')
    expect(difference(document({ kernel_header_normalized: false }))).toBe(
      'kernel_header_normalized',
    )
    expect(difference(document({}, { mrtd }))).toBe('mrtd.single_pass')
    expect(difference(document({}, { td_hob: fromBareHex('801009010006') }))).toBe('td_hob')
  })

  test('A5 is refused where it stands for another variable store', () => {
    const files = withFile('measurement.tdx.cbor', document(), plain())
    expect(() => measureImageFiles(files, GIB)).toThrow(store)
    const unlisted = plain().set('measurement.tdx.cbor', utf8('not listed, so not read'))
    expect(outcome(() => measureImageFiles(unlisted, GIB))).toBe('passed')
    const broken = withFile('measurement.tdx.cbor', utf8('not a document'), plain())
    expect(outcome(() => measureImageFiles(broken, GIB))).toBe('MEASUREMENT_INVALID')
  })
})
