// The X.509 library's dependency injection needs this polyfill loaded before it.
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  type X509Certificate,
} from '@peculiar/x509'
import { pem } from './pem.ts'
import { systemRandom, type RandomSource } from './random-source.ts'
import { ECDSA, generateKeyPair, publicKeyInfo, sign, type KeyPair } from './signing-key.ts'

/** The only file that knows the X.509 library: issues the certificates and CRLs of a simulated PKI. */

/** Says whose PKI this is, in every name. Intel's certificates have O=Intel Corporation. */
const ORGANIZATION = 'Jeju Compute Simulator'

/** A certificate with the key it is for. */
export interface Identity {
  readonly key: KeyPair
  readonly certificate: X509Certificate
  readonly der: Uint8Array<ArrayBuffer>
  readonly pem: string
}

/** Validity of a certificate or CRL. */
export interface Validity {
  readonly from: Date
  readonly until: Date
}

/** A non-critical extension. */
export interface CertificateExtension {
  readonly oid: string
  /** Its value. */
  readonly der: Uint8Array<ArrayBuffer>
}

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly commonName: string
  readonly validity: Validity
  /** `ca`: path length below it. */
  readonly role: { readonly ca: number } | 'leaf'
  readonly issuer?: Identity
  readonly crlUrl?: string
  readonly extensions?: readonly CertificateExtension[]
  /** Further extensions that depend on the certificate's own key: DER of its SubjectPublicKeyInfo. */
  readonly extensionsOfKey?: (
    keyInfo: Uint8Array<ArrayBuffer>,
  ) => Promise<readonly CertificateExtension[]>
  readonly alternativeNames?: readonly string[]
  /** OIDs of extended key usages. */
  readonly extendedUsages?: readonly string[]
  readonly random?: RandomSource
}

/** Issues a certificate with a key of its own; without an issuer it signs itself. */
export async function issue(request: CertificateRequest): Promise<Identity> {
  const { commonName, issuer, validity, random = systemRandom } = request
  const key = await generateKeyPair(random, `${commonName}/key`)
  const issuerKey = issuer?.key ?? key
  const subject = distinguishedName(commonName)
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: positiveSerial(random(`${commonName}/serial`, 20)),
      subject,
      issuer: issuer?.certificate.subjectName ?? subject,
      notBefore: validity.from,
      notAfter: validity.until,
      signingAlgorithm: ECDSA,
      publicKey: await publicKeyInfo(key),
      signingKey: issuerKey.privateKey,
      extensions: await extensionsOf(request, key, issuerKey),
    },
    signingWith(issuerKey),
  )
  const der = new Uint8Array(certificate.rawData)
  return { key, certificate, der, pem: pem(der) }
}

/** In the order of Intel's certificates: AKI, CRL distribution points, SKI, key usage, basic constraints, the rest. */
async function extensionsOf(
  { role, crlUrl, ...request }: CertificateRequest,
  key: KeyPair,
  issuerKey: KeyPair,
): Promise<Extension[]> {
  const isCa = role !== 'leaf'
  const usages = isCa
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation
  const { alternativeNames = [], extendedUsages = [], extensions = [], extensionsOfKey } = request
  const spki = await crypto.subtle.exportKey('spki', key.publicKey)
  const own = (await extensionsOfKey?.(new Uint8Array(spki))) ?? []
  return [
    await AuthorityKeyIdentifierExtension.create(issuerKey.publicKey),
    ...(crlUrl === undefined ? [] : [new CRLDistributionPointsExtension([crlUrl])]),
    await SubjectKeyIdentifierExtension.create(key.publicKey),
    new KeyUsagesExtension(usages, true),
    new BasicConstraintsExtension(isCa, isCa ? role.ca : undefined, true),
    ...(extendedUsages.length === 0 ? [] : [new ExtendedKeyUsageExtension([...extendedUsages])]),
    ...(alternativeNames.length === 0
      ? []
      : [
          new SubjectAlternativeNameExtension(
            alternativeNames.map((value) => ({ type: 'dns' as const, value })),
          ),
        ]),
    ...[...extensions, ...own].map(({ oid, der }) => new Extension(oid, false, der)),
  ]
}

/** DER of a version 2 CRL by that issuer. */
export async function issueCrl(
  issuer: Identity,
  validity: Validity,
  revoked: readonly Identity[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const entries = revoked.map(({ certificate: { serialNumber } }) => ({
    serialNumber,
    revocationDate: validity.from,
  }))
  const crl = await X509CrlGenerator.create(
    {
      issuer: issuer.certificate.subjectName,
      thisUpdate: validity.from,
      nextUpdate: validity.until,
      ...(entries.length === 0 ? {} : { entries }),
      signingAlgorithm: ECDSA,
      signingKey: issuer.key.privateKey,
      extensions: [
        // CRL number, always 1 as in Intel's.
        new Extension('2.5.29.20', false, Uint8Array.of(0x02, 0x01, 0x01)),
        await AuthorityKeyIdentifierExtension.create(issuer.key.publicKey),
      ],
    },
    signingWith(issuer.key),
  )
  return new Uint8Array(crl.rawData)
}

/** Web Crypto whose `sign` is ours: its own gives another signature every time, and a seeded platform must repeat. */
function signingWith(key: KeyPair): Crypto {
  const ours = (_algorithm: unknown, _key: unknown, message: ArrayBuffer): Promise<ArrayBuffer> =>
    Promise.resolve(sign(key, new Uint8Array(message)).buffer)
  const subtle = new Proxy(crypto.subtle, {
    get: (target, name): unknown => (name === 'sign' ? ours : Reflect.get(target, name)),
  })
  return new Proxy(crypto, {
    get: (target, name): unknown => (name === 'subtle' ? subtle : Reflect.get(target, name)),
  })
}

/** Intel's names in Intel's string types; only the organisation says that they are not Intel's. */
function distinguishedName(commonName: string): Name {
  const text = (utf8String: string): { utf8String: string }[] => [{ utf8String }]
  return new Name([
    { CN: text(commonName) },
    { O: text(ORGANIZATION) },
    { L: text('Nowhere') },
    { ST: text('CA') },
    { C: [{ printableString: 'US' }] },
  ])
}

/** 20 bytes whose first is neither zero nor negative, as DER wants a positive INTEGER in shortest form. */
function positiveSerial(serial: Uint8Array): string {
  const [first = 0, ...rest] = serial
  return Buffer.from([0x40 | (first & 0x3f), ...rest]).toString('hex')
}
