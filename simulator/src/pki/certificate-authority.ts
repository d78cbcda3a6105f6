// The X.509 library's dependency injection needs this polyfill loaded before it.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  type X509Certificate,
} from '@peculiar/x509'

/** The only file that knows the X.509 library: issues the certificates and CRLs of a simulated PKI. */

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Says whose PKI this is, in every name. Intel's certificates have O=Intel Corporation. */
const ORGANIZATION = 'Jeju Compute Simulator'

/** A P-256 key pair. */
export interface KeyPair {
  readonly privateKey: webcrypto.CryptoKey
  readonly publicKey: webcrypto.CryptoKey
}

/** Fresh P-256 key. */
export async function generateKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
}

/** r ‖ s with SHA-256. High-s as often as low-s, as Intel's own signatures. */
export async function sign(key: KeyPair, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await webcrypto.subtle.sign(ECDSA, key.privateKey, message))
}

/** x ‖ y. */
export async function publicPoint(key: KeyPair): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await webcrypto.subtle.exportKey('raw', key.publicKey)).slice(1)
}

/** SubjectPublicKeyInfo DER. */
export async function publicKeyInfo(key: KeyPair): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await webcrypto.subtle.exportKey('spki', key.publicKey))
}

/** PKCS#8 PEM. */
export async function privateKeyPem(key: KeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key.privateKey))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

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

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly commonName: string
  readonly validity: Validity
  /** `ca`: path length below it. */
  readonly role: { readonly ca: number } | 'leaf'
  readonly issuer?: Identity
  readonly extensions?: readonly { readonly oid: string; readonly der: Uint8Array<ArrayBuffer> }[]
  readonly alternativeNames?: readonly string[]
}

/** Issues a certificate with a fresh key; without an issuer it signs itself. */
export async function issue(request: CertificateRequest): Promise<Identity> {
  const key = await generateKeyPair()
  const { issuer, role, validity } = request
  const isCa = role !== 'leaf'
  const usages = isCa
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation
  const subject = distinguishedName(request.commonName)
  const certificate = await X509CertificateGenerator.create({
    serialNumber: positiveSerial(),
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    notBefore: validity.from,
    notAfter: validity.until,
    signingAlgorithm: ECDSA,
    publicKey: key.publicKey,
    signingKey: (issuer?.key ?? key).privateKey,
    extensions: [
      await AuthorityKeyIdentifierExtension.create((issuer?.key ?? key).publicKey),
      await SubjectKeyIdentifierExtension.create(key.publicKey),
      new KeyUsagesExtension(usages, true),
      new BasicConstraintsExtension(isCa, isCa ? role.ca : undefined, true),
      ...(request.alternativeNames ?? []).map(
        (value) => new SubjectAlternativeNameExtension([{ type: 'dns', value }]),
      ),
      ...(request.extensions ?? []).map(({ oid, der }) => new Extension(oid, false, der)),
    ],
  })
  return { key, certificate, der: new Uint8Array(certificate.rawData), pem: pemOf(certificate) }
}

/** DER of a CRL by that issuer; `revoked` are serial numbers in hex. */
export async function issueCrl(
  issuer: Identity,
  validity: Validity,
  revoked: readonly string[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const crl = await X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: validity.from,
    nextUpdate: validity.until,
    entries: revoked.map((serialNumber) => ({ serialNumber, revocationDate: validity.from })),
    signingAlgorithm: ECDSA,
    signingKey: issuer.key.privateKey,
    extensions: [
      // CRL number, always 1 as in Intel's.
      new Extension('2.5.29.20', false, Uint8Array.of(0x02, 0x01, 0x01)),
      await AuthorityKeyIdentifierExtension.create(issuer.key.publicKey),
    ],
  })
  return new Uint8Array(crl.rawData)
}

function distinguishedName(commonName: string): string {
  return `CN=${commonName}, O=${ORGANIZATION}, L=Nowhere, ST=CA, C=US`
}

/** 20 bytes whose first is neither zero nor negative, as DER wants a positive INTEGER in shortest form. */
function positiveSerial(): string {
  const serial = randomBytes(20)
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f)
  return serial.toString('hex')
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
