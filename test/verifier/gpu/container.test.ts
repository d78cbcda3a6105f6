import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeGpuEvidence,
  encodeGpuEvidence,
  toBareHex,
  type GpuEvidence,
} from '@jeju/verifier/protocol'
import { encodeCbor, type CborValue } from '../../../verifier/src/protocol/deterministic-cbor.ts'
import { AT, gpusOf, nonce } from './fixture.ts'

const bytes = fc.uint8Array({ maxLength: 40 })
const evidence: fc.Arbitrary<GpuEvidence> = fc.record(
  {
    devices: fc.array(
      fc.record({
        kind: fc.constantFrom('gpu', 'switch'),
        architecture: fc.constantFrom('HOPPER', 'BLACKWELL', 'LS10'),
        report: bytes,
        certificates: fc.string({ maxLength: 20 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    rims: fc
      .dictionary(fc.stringMatching(/^[A-Z]{1,8}$/), bytes)
      .map((rims) => new Map(Object.entries(rims))),
    ocsp: fc.array(bytes, { maxLength: 3 }),
    nras: fc.array(fc.string({ maxLength: 20 }), { maxLength: 2 }),
  },
  { requiredKeys: ['devices'] },
)

describe('the container of GPU evidence', () => {
  test('what is encoded is read again, and encoded the same', () => {
    fc.assert(
      fc.property(evidence, (given) => {
        const encoded = encodeGpuEvidence(given)
        expect(decodeGpuEvidence(encoded)).toEqual(given)
        const again = encodeGpuEvidence(decodeGpuEvidence(encoded))
        expect(toBareHex(again)).toBe(toBareHex(encoded))
      }),
    )
  })

  test('every prefix and every extension is refused with a code', () => {
    const gpus = gpusOf()
    const encoded = encodeGpuEvidence({ ...gpus.evidence(nonce), ocsp: gpus.ocsp(AT) })
    for (let length = 0; length < encoded.length; length += 97) {
      expect(() => decodeGpuEvidence(encoded.slice(0, length))).toThrow(
        expect.objectContaining({ name: 'ProtocolError' }),
      )
    }
  })

  const device = {
    kind: 'gpu',
    architecture: 'HOPPER',
    report: new Uint8Array(1),
    certificates: '',
  }
  const asMap = (object: Readonly<Record<string, CborValue>>): CborValue =>
    new Map(Object.entries(object))
  test.each<readonly [string, CborValue]>([
    ['no map', [1]],
    ['another version', asMap({ v: 2, devices: [asMap(device)] })],
    ['no devices', asMap({ v: 1 })],
    ['an empty list of devices', asMap({ v: 1, devices: [] })],
    ['devices that are no list', asMap({ v: 1, devices: asMap(device) })],
    ['too many devices', asMap({ v: 1, devices: Array.from({ length: 65 }, () => asMap(device)) })],
    ['an unknown member', asMap({ v: 1, devices: [asMap(device)], canned: 1 })],
    ['an unknown member of a device', asMap({ v: 1, devices: [asMap({ ...device, nonce: '' })] })],
    ['a device without report', asMap({ v: 1, devices: [asMap({ ...device, report: '' })] })],
    ['another kind', asMap({ v: 1, devices: [asMap({ ...device, kind: 'cpu' })] })],
    [
      'another architecture',
      asMap({ v: 1, devices: [asMap({ ...device, architecture: 'hopper' })] }),
    ],
    ['RIMs in a list', asMap({ v: 1, devices: [asMap(device)], rims: [] })],
    ['RIMs of text', asMap({ v: 1, devices: [asMap(device)], rims: asMap({ a: 'b' }) })],
    ['OCSP answers of text', asMap({ v: 1, devices: [asMap(device)], ocsp: ['a'] })],
    ['tokens of bytes', asMap({ v: 1, devices: [asMap(device)], nras: [new Uint8Array(1)] })],
  ])('D4 %s is refused', (_, value) => {
    expect(() => decodeGpuEvidence(encodeCbor(value))).toThrow(
      expect.objectContaining({ code: 'INPUT_FIELD' }),
    )
  })
})
