import { concatBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { fromBareHex, toBareHex, toHex, type Hex } from '../bytes/hex.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { DerError } from '../x509/der.ts'
import { P256Verifier } from '../x509/p256.ts'
import { PemError, pemBlockDer, pemBlocks } from '../x509/pem.ts'
import type { CertifiedKey } from './custody.ts'

/** DER of a SubjectPublicKeyInfo up to the point of a P-256 key (RFC 5480 §2). */
const P256_KEY_INFO = fromBareHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004')
const MAX_PEM_CHARACTERS: number = 16 * 1024

/** What was wanted of a certificate chain, and what came. */
export interface CertificateFault {
  readonly expected: string
  readonly actual: string
}

/**
 * What is wrong with the certificates of a TLS key: the first has to hold exactly that key, each be signed by the
 * next and in date, and the last hold the key of one of the issuers. Such a chain says that the KMS's guests were
 * given the key; that this guest was is what the quote over the keyset says.
 */
export async function checkCertifiedKey(
  { spkiSha256, certificates }: CertifiedKey,
  issuers: readonly Hex[],
  at: Date,
): Promise<CertificateFault | undefined> {
  let chain: readonly Certificate[]
  try {
    chain = certificates.map((pem) => {
      const [block = ''] = pemBlocks(pem, 1, MAX_PEM_CHARACTERS)
      return parseCertificate(pemBlockDer(block))
    })
  } catch (error) {
    if (!(error instanceof DerError || error instanceof PemError)) throw error
    return { expected: 'certificates of a TLS key', actual: error.message }
  }
  const [leaf] = chain
  const root = chain.at(-1)
  if (leaf === undefined || root === undefined || chain.length < 2) {
    return { expected: 'a TLS certificate and its issuer', actual: `${chain.length} certificates` }
  }
  const actual = toBareHex(sha256(keyInfoOf(leaf)))
  if (actual !== spkiSha256) return { expected: `TLS key ${spkiSha256}`, actual }
  const now = at.getTime()
  const keys = new P256Verifier()
  for (const [index, { signature, tbs, notBefore, notAfter }] of chain.entries()) {
    if (now < notBefore || now > notAfter) {
      return { expected: 'certificates in date', actual: `certificate ${index} is not` }
    }
    const issuer = chain[index + 1]
    if (issuer === undefined) continue
    if (!issuer.isCa || !(await keys.verify(issuer.publicKey, signature, tbs))) {
      return { expected: `certificate ${index} signed by a CA`, actual: 'it is not' }
    }
  }
  const issuer = toHex(keyInfoOf(root))
  return issuers.includes(issuer)
    ? undefined
    : { expected: 'a CA of a trusted KMS', actual: issuer }
}

function keyInfoOf({ publicKey }: Certificate): Uint8Array {
  return concatBytes(P256_KEY_INFO, publicKey)
}
