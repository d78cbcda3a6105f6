// The X.509 library's dependency injection needs this polyfill loaded before it.
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from '@peculiar/x509'
import { isStrictEcdsaCertificate } from './strict-der.ts'

/** The only file that knows the X.509 library; it gives out what the Intel chain's rules need. */
export interface Certificate {
  readonly der: Uint8Array
  /** DER of the names, compared byte for byte. */
  readonly subject: Uint8Array
  readonly issuer: Uint8Array
  readonly commonName: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly isCa: boolean
  readonly pathLength: number | undefined
  readonly signsCertificates: boolean
  readonly signsData: boolean
  /** OIDs of critical extensions. */
  readonly critical: readonly string[]
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>
  /** Whether this certificate's signature is by that issuer's key. */
  isSignedBy(issuer: Certificate): Promise<boolean>
}

/** Reads DER. Throws whatever the library throws, and on a second form of the same certificate, which it would read. */
export function readCertificate(der: Uint8Array): Certificate {
  const certificate = new X509Certificate(new Uint8Array(der))
  if (!isStrictEcdsaCertificate(der)) throw new Error('not in strict DER')
  const constraints = certificate.getExtension(BasicConstraintsExtension)
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages ?? 0
  return {
    der: new Uint8Array(der),
    subject: new Uint8Array(certificate.subjectName.toArrayBuffer()),
    issuer: new Uint8Array(certificate.issuerName.toArrayBuffer()),
    commonName: certificate.subjectName.getField('CN').join(', '),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    isCa: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    signsCertificates: (usages & KeyUsageFlags.keyCertSign) !== 0,
    signsData: (usages & KeyUsageFlags.digitalSignature) !== 0,
    critical: certificate.extensions.filter(({ critical }) => critical).map(({ type }) => type),
    publicKey: new Uint8Array(certificate.publicKey.rawData),
    isSignedBy: (issuer) =>
      certificate.verify({
        publicKey: new X509Certificate(new Uint8Array(issuer.der)).publicKey,
        signatureOnly: true,
      }),
  }
}
