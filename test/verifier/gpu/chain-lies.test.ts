import { describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, utf8 } from '@jeju/verifier/protocol'
import {
  issueP384,
  signedDer,
  USAGE_CERT,
  USAGE_SIGN,
  type CertificateExtension,
} from '../../../simulator/src/gpu/p384-certificate.ts'
import {
  element,
  integer,
  objectId,
  octets,
  sequence,
} from '../../../simulator/src/pki/der-writer.ts'
import { keyId } from '../../../simulator/src/pki/key-encoding.ts'
import { pem } from '../../../simulator/src/pki/pem.ts'
import { parseCertificate } from '../../../verifier/src/x509/certificate.ts'
import { P384_PROFILE } from '../../../verifier/src/x509/ecdsa-profile.ts'
import { AT, failures } from './fixture.ts'
import { fieldsOf, issuedChain, type Change, type Place } from './issued-chain.ts'
import { hopper, lied, two } from './lies.ts'

/** Chains that the keys of the machine's own authorities signed, each wrong in one thing. */

const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
const TCB_INFO = '2.23.133.5.4.1.1'
const ALT_NAME = '2.5.29.17'
const own = hopper.devices[0]?.certificates.chain ?? []

function issued(place: Place, change: Change): string {
  return issuedChain(own, place, change)
}

function withCertificates(certificates: string): Promise<readonly string[]> {
  return lied({ certificates: () => certificates }).then(failures)
}

/** The leaf's extensions with another value of one, or without it. */
function extended(oid: string, value: Uint8Array | undefined): readonly CertificateExtension[] {
  const [leaf] = own
  const rest = leaf ? (fieldsOf(leaf).extensions ?? []).filter((one) => one.oid !== oid) : []
  return value === undefined ? rest : [...rest, { oid, critical: false, value }]
}

function deviceInfo(text: string, type = '1.3.6.1.4.1.412.274.1'): Uint8Array {
  const wrapped = element(0xa0, element(0x0c, utf8(text)))
  return sequence(element(0xa0, objectId(type), wrapped))
}

const critical = { oid: '1.2.3.4', critical: true, value: octets(new Uint8Array(1)) }

describe('chains', () => {
  test('issued again as it was, it holds', async () => {
    expect(await withCertificates(issued('leaf', {}))).toEqual([])
  })

  const invalid: readonly (readonly [string, Place, Change])[] = [
    ['a leaf that is an authority', 'leaf', { ca: {} }],
    ['a leaf for signing certificates', 'leaf', { usage: USAGE_CERT }],
    ['a BROM that is no authority', 'brom', { usage: USAGE_CERT, ca: undefined as never }],
    ['a BROM for signing data', 'brom', { usage: USAGE_SIGN }],
    ['a provisioner that is none', 'ica', { usage: USAGE_SIGN, ca: undefined as never }],
    ['a provisioner with one authority too many below', 'ica', { ca: { pathLength: 0 } }],
    ['an identity with one authority too many below', 'identity', { ca: { pathLength: 1 } }],
    ['an unknown critical extension of the leaf', 'leaf', { extensions: [critical] }],
    ['an unknown critical extension above', 'ica', { extensions: [critical] }],
    ['a leaf of another chip', 'leaf', { commonName: 'GB100 A01 GSP FMC LF' }],
    ['a BROM of another chip', 'brom', { commonName: 'GB100 A01 GSP BROM' }],
    ['a leaf by another name', 'leaf', { commonName: 'GH100 A01 GSP BROM' }],
    ['a BROM by another name', 'brom', { commonName: 'GH100 A01 GSP FMC LF' }],
    ['a chip that nobody knows', 'brom', { commonName: 'AD102 A01 GSP BROM' }],
  ]
  test.each(invalid)('%s', async (_, place, change) => {
    expect(await withCertificates(issued(place, change))).toEqual([
      'gpu-certificate-chain GPU_CERT_INVALID',
    ])
  })

  test('path lengths that suffice', async () => {
    expect(await withCertificates(issued('ica', { ca: { pathLength: 1 } }))).toEqual([])
    expect(await withCertificates(issued('brom', { ca: { pathLength: 0 } }))).toEqual([])
  })

  test.each(['leaf', 'brom', 'ica', 'identity'] as const)(
    'a %s past its end, or before',
    async (at) => {
      const day = 24 * 3600 * 1000
      const ended = { until: new Date(AT.getTime() - day) }
      const early = { from: new Date(AT.getTime() + day) }
      expect(await withCertificates(issued(at, ended))).toEqual([
        'gpu-certificate-chain GPU_CERT_EXPIRED',
      ])
      expect(await withCertificates(issued(at, early))).toEqual([
        'gpu-certificate-chain GPU_CERT_NOT_YET_VALID',
      ])
    },
  )

  test('a key identifier of another issuer, and none', async () => {
    const [leaf, brom] = own
    if (!leaf || !brom) throw new Error('no chain')
    const { tbs } = parseCertificate(leaf.der, 'leaf', P384_PROFILE)
    const at = Buffer.from(tbs).indexOf(keyId(brom.key.point))
    const changed = tbs.slice()
    changed[at] = (changed[at] ?? 0) ^ 1
    const rest = own.slice(1).map((one) => one.pem)
    const chain = [pem(signedDer(changed, brom.key)), ...rest].join('')
    expect(at).toBeGreaterThan(0)
    expect(await withCertificates(chain)).toEqual(['gpu-certificate-chain GPU_CERT_INVALID'])
    // Another extension in its place.
    const id = Buffer.from(tbs).indexOf(objectId('2.5.29.35'))
    const without = tbs.slice()
    without[id + 4] = 0x40
    const nameless = [pem(signedDer(without, brom.key)), ...rest].join('')
    expect(await withCertificates(nameless)).toEqual(['gpu-certificate-chain GPU_CERT_INVALID'])
  })

  test.each([0, 1, 2, 3])('certificate %d signed by another key', async (place) => {
    const stranger = two.devices[1]?.certificates.leaf.key
    const chain = own.map((one, index) => {
      const { tbs } = parseCertificate(one.der, 'own', P384_PROFILE)
      return index === place && stranger ? pem(signedDer(tbs, stranger)) : one.pem
    })
    expect(await withCertificates(chain.join(''))).toEqual([
      'gpu-certificate-chain GPU_CERT_SIGNATURE_INVALID',
    ])
  })

  test('what stands in the place of the root counts for its key alone', async () => {
    const other = { usage: USAGE_SIGN, ca: undefined as never, until: new Date(AT.getTime() - 1) }
    const chain = own
      .slice(0, 4)
      .map((one) => one.pem)
      .join('')
    const root = own[4]
    if (root === undefined) throw new Error('no root')
    const { key, serial } = root
    const stranger = issueP384({ ...fieldsOf(root), key, serial, ...other })
    expect(await withCertificates(chain + stranger.pem)).toEqual([])
  })

  test('PEM with anything beside certificates', async () => {
    const chain = own.map((one) => one.pem).join('')
    for (const text of [
      ` ${chain}`,
      `# device\n${chain}`,
      chain.replace('-----END CERTIFICATE-----', '-----END CERTIFICATE-----x'),
      chain.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
      `${chain}\0\0`,
      chain + chain,
      '',
    ]) {
      expect(await withCertificates(text), text.slice(0, 20)).toEqual([
        'gpu-certificate-chain GPU_CHAIN_INVALID',
      ])
    }
    expect(await withCertificates(chain.replaceAll('\n', '\r\n'))).toEqual([])
  })
})

describe('what a leaf says of its device', () => {
  const id = hopper.devices[0]?.certificates.leaf
  const chipId = id
    ? parseCertificate(id.der, 'leaf', P384_PROFILE).extensions.get(ALT_NAME)
    : undefined

  test.each<readonly [string, Uint8Array | undefined]>([
    ['the name of another chip', deviceInfo('NVIDIA:GB100:48B02D92494BADF4')],
    ['a name without id', deviceInfo('NVIDIA:GH100:')],
    ['a name in small letters', deviceInfo('NVIDIA:GH100:48b02d92494badf4')],
    ['a name of another vendor', deviceInfo('OTHERS:GH100:48B02D92494BADF4')],
    [
      'a name of another type',
      deviceInfo('NVIDIA:GH100:48B02D92494BADF4', '1.3.6.1.4.1.412.274.2'),
    ],
    [
      'two names',
      sequence(deviceInfo('NVIDIA:GH100:48B02D92494BADF4').slice(2), element(0x82, utf8('a'))),
    ],
    ['no name', undefined],
  ])('%s', async (_, value) => {
    expect(chipId).toBeDefined()
    const chain = issued('leaf', { extensions: extended(ALT_NAME, value) })
    expect(await withCertificates(chain)).toEqual(['gpu-identity GPU_IDENTITY_MISMATCH'])
  })

  test.each([8, 10])('a BROM with a serial number of %d bytes has no PDI', async (length) => {
    const serial = new Uint8Array(length).fill(0x41)
    expect(await withCertificates(issued('brom', { serial }))).toEqual([
      'gpu-identity GPU_IDENTITY_MISMATCH',
    ])
  })

  const fwid = hopper.devices[0]?.certificates.fwid ?? new Uint8Array(0)
  const digest = (bytes: Uint8Array, algorithm = '2.16.840.1.101.3.4.2.2'): Uint8Array =>
    sequence(objectId(algorithm), octets(bytes))
  const composite = (...parts: readonly Uint8Array[]): Uint8Array =>
    sequence(integer(1), sequence(), ...parts)

  test.each<readonly [string, string, Uint8Array | undefined, string]>([
    ['none', COMPOSITE_DEVICE_ID, undefined, 'GPU_FWID_MISSING'],
    [
      'of another firmware',
      COMPOSITE_DEVICE_ID,
      composite(digest(new Uint8Array(48))),
      'GPU_FWID_MISMATCH',
    ],
    [
      'by another algorithm',
      COMPOSITE_DEVICE_ID,
      composite(digest(fwid, '2.16.840.1.101.3.4.2.1')),
      'GPU_CERT_INVALID',
    ],
    ['cut short', COMPOSITE_DEVICE_ID, composite(digest(fwid.slice(0, 32))), 'GPU_CERT_INVALID'],
    [
      'with something behind',
      COMPOSITE_DEVICE_ID,
      composite(digest(fwid), integer(1)),
      'GPU_CERT_INVALID',
    ],
    [
      'with bytes behind',
      COMPOSITE_DEVICE_ID,
      concatBytes(composite(digest(fwid)), Uint8Array.of(5, 0)),
      'GPU_CERT_INVALID',
    ],
  ])('a firmware id, %s', async (_, oid, value, code) => {
    const chain = issued('leaf', { extensions: extended(oid, value) })
    expect(await withCertificates(chain)).toEqual([`gpu-firmware-id ${code}`])
  })

  test('of several firmware ids in a TcbInfo the first counts, and one list of them', async () => {
    const bare = extended(COMPOSITE_DEVICE_ID, undefined)
    const zero = digest(new Uint8Array(48))
    const tcbInfo = (...lists: readonly Uint8Array[]): string => {
      const value = sequence(
        element(0x80, utf8('NVIDIA')),
        ...lists,
        element(0x87, Uint8Array.of(0)),
      )
      return issued('leaf', { extensions: [...bare, { oid: TCB_INFO, critical: false, value }] })
    }
    const list = (...digests: readonly Uint8Array[]): Uint8Array => element(0xa6, ...digests)
    expect(await withCertificates(tcbInfo(list(digest(fwid), zero)))).toEqual([])
    expect(await withCertificates(tcbInfo(list(zero, digest(fwid))))).toEqual([
      'gpu-firmware-id GPU_FWID_MISMATCH',
    ])
    expect(await withCertificates(tcbInfo(list(digest(fwid)), list(zero)))).toEqual([
      'gpu-firmware-id GPU_CERT_INVALID',
    ])
    expect(await withCertificates(tcbInfo())).toEqual(['gpu-firmware-id GPU_FWID_MISSING'])
    expect(equalBytes(fwid, new Uint8Array(48))).toBe(false)
  })
})
