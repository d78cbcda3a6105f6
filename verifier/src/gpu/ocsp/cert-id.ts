import { concatBytes } from '../../bytes/bytes.ts'
import type { Certificate } from '../../x509/certificate.ts'
import type { CertIdHash } from './ocsp-response.ts'

/** How an OCSP CertID names an issuer (RFC 6960 §4.1.1). */
export interface IssuerHashes {
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
}

/** The hashes of that issuer: its subject, and the content of its key's BIT STRING. */
export async function issuerHashes(issuer: Certificate, hash: CertIdHash): Promise<IssuerHashes> {
  const digest = async (bytes: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await globalThis.crypto.subtle.digest(hash, concatBytes(bytes)))
  const [issuerNameHash, issuerKeyHash] = await Promise.all([
    digest(issuer.subject),
    digest(concatBytes(Uint8Array.of(0x04), issuer.publicKey)),
  ])
  return { issuerNameHash, issuerKeyHash }
}
