import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseOcspResponse, parseSpdmReport } from '@jeju/verifier/gpu'
import { ERROR_CODES } from '@jeju/verifier'
import { concatBytes } from '@jeju/verifier/protocol'
import { parseNrasAnswer } from '../../../verifier/src/gpu/nras/nras-answer.ts'
import { verifyRim } from '../../../verifier/src/gpu/rim/verify-rim.ts'
import { readDeviceFacts } from '../../../verifier/src/gpu/spdm/device-facts.ts'
import { readXml, XmlError } from '../../../verifier/src/gpu/xml/read-xml.ts'
import { CertificateStore } from '../../../verifier/src/pki/certificates.ts'
import { CheckFailure } from '../../../verifier/src/report/check-failure.ts'
import { parseCertificate } from '../../../verifier/src/x509/certificate.ts'
import { P384_PROFILE } from '../../../verifier/src/x509/ecdsa-profile.ts'
import { P384Verifier } from '../../../verifier/src/x509/p384.ts'
import { AT, gpusOf, judge, nonce, verifierOf, contextOf } from './fixture.ts'

/** Whatever comes in, what comes out is a value or an error with a code. */

const gpus = gpusOf({ format: 'nvdaod' })
const [device] = gpus.evidence(nonce).devices
const report = device?.report ?? new Uint8Array(0)

function isCoded(error: unknown): boolean {
  if (error instanceof CheckFailure || error instanceof XmlError) return true
  const { name, code } = error as { readonly name: string; readonly code?: string }
  return name === 'DerError' || ERROR_CODES.some((known) => known === code)
}

function codedOnly(parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    if (!isCoded(error)) throw error
  }
}

const garble = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(bytes.length).map((length) => bytes.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((more) => concatBytes(bytes, more)),
    fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ mask
      return changed
    }),
  )

const XML_PIECES = [
  '<a>',
  '</a>',
  '<a',
  '/>',
  '>',
  ' b="c"',
  " b='c'",
  ' xmlns="d"',
  ' xmlns:e="f"',
  ' e:g="h"',
  '&amp;',
  '&#65;',
  '&#x0;',
  '&b;',
  '<!--',
  '-->',
  '<![CDATA[',
  '<?x ?>',
  '<!DOCTYPE a>',
  ' ',
  'x',
  '"',
  '\0',
]

describe('parsers are total', () => {
  const ocsp = gpus.ocsp(AT)[0] ?? new Uint8Array(0)
  const certificate = gpus.devices[0]?.certificates.leaf.der ?? new Uint8Array(0)
  test.each<readonly [string, Uint8Array, (bytes: Uint8Array) => unknown]>([
    ['SPDM reports', report, (bytes) => readDeviceFacts(parseSpdmReport(bytes).opaque, 'gpu')],
    [
      'reports of switches',
      report,
      (bytes) => readDeviceFacts(parseSpdmReport(bytes).opaque, 'switch'),
    ],
    ['OCSP answers', ocsp, parseOcspResponse],
    ['certificates', certificate, (bytes) => parseCertificate(bytes, 'c', P384_PROFILE)],
  ])('%s', (_, honest, parse) => {
    expect(() => parse(honest)).not.toThrow(TypeError)
    fc.assert(
      fc.property(garble(honest), (bytes) => codedOnly(() => parse(bytes))),
      { numRuns: 2000 },
    )
  })

  test('every prefix of a report is refused with a code', () => {
    for (let length = 0; length < report.length; length++) {
      expect(() => parseSpdmReport(report.slice(0, length))).toThrow(
        expect.objectContaining({ name: 'VerifierError' }),
      )
    }
  })

  test('XML', () => {
    const [rim = new Uint8Array(0)] = gpus.rims().values()
    const text = new TextDecoder().decode(rim).slice(0, 2000)
    const pieces = fc.array(fc.constantFrom(...XML_PIECES), { maxLength: 12 })
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((all) => all.join('')),
          fc.string(),
        ),
        (given) => {
          codedOnly(() => readXml(given))
        },
      ),
      { numRuns: 3000 },
    )
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.constantFrom('<', '>', '&', '"', "'", ' ', '\0', ''),
        (at, put) => {
          codedOnly(() => readXml(text.slice(0, at) + put + text.slice(at + 1)))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('answers of the service', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) =>
        codedOnly(() => parseNrasAnswer(text)),
      ),
      { numRuns: 500 },
    )
  })
})

describe('byte_mutation_sweep', () => {
  test('no flipped byte of a report verifies', async () => {
    const verifier = verifierOf(gpus)
    const evidence = gpus.evidence(nonce)
    for (let at = 0; at < report.length; at += 41) {
      const changed = report.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x10
      const devices = device === undefined ? [] : [{ ...device, report: changed }]
      const { claims } = await verifier.verify({ ...evidence, devices }, contextOf())
      expect(claims, String(at)).toBeUndefined()
    }
  })

  test('no flipped character of a chain verifies as another', async () => {
    const pem = device?.certificates ?? ''
    const verifier = verifierOf(gpus)
    for (let at = 0; at < pem.length; at += 37) {
      const other = pem[at] === 'A' ? 'B' : 'A'
      const certificates = pem.slice(0, at) + other + pem.slice(at + 1)
      const devices = device === undefined ? [] : [{ ...device, certificates }]
      const judged = await verifier.verify({ ...gpus.evidence(nonce), devices }, contextOf())
      // The root at the end only has to have the pinned key.
      const isRoot = at > pem.lastIndexOf('-----BEGIN')
      expect(judged.claims === undefined || isRoot, String(at)).toBe(true)
    }
  })

  test('no flipped bit of a RIM verifies', async () => {
    const keys = new P384Verifier()
    const store = new CertificateStore(keys, P384_PROFILE)
    const [rim = new Uint8Array(0)] = gpus.rims().values()
    const root = parseCertificate(gpus.roots.rimRoot, 'root', P384_PROFILE)
    // The last certificate only has to have the pinned key.
    const end = Buffer.from(rim).lastIndexOf('<ds:X509Certificate>')
    for (let at = 0; at < end; at += 53) {
      const changed = rim.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x01
      const failure = await verifyRim(changed, root, store, keys).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure, String(at)).toBeInstanceOf(CheckFailure)
    }
  })

  test('a report that answers nobody is not verified for want of a failed check', async () => {
    const { claims, checks } = await judge(gpus, { devices: [] })
    expect(claims).toBeUndefined()
    expect(checks.every(({ status }) => status === 'passed')).toBe(false)
  })
})
