import { decodeUtf8, equalBytes, utf8 } from '../../bytes/bytes.ts'
import { sha256, sha384 } from '../../bytes/hash.ts'
import { toHex, type Hex } from '../../bytes/hex.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { CertificateStore } from '../../pki/certificates.ts'
import type { ChainCodes } from '../../pki/issuance.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { DerError } from '../../x509/der.ts'
import type { SignatureVerifier } from '../../x509/ecdsa.ts'
import { PemError } from '../../x509/pem.ts'
import { verifyNvidiaChain, type NvidiaChain } from '../nvidia-chain.ts'
import { canonicalXml } from '../xml/canonical-xml.ts'
import { readXml, XmlError } from '../xml/read-xml.ts'
import { readXmlSignature } from '../xml/xml-signature.ts'
import { readRimContent, type RimContent } from './rim-content.ts'

/** Signer, two authorities, root. */
const RIM_CHAIN_LENGTH = 4
export const MAX_RIM_BYTES: number = 256 * 1024

export const RIM_CODES: ChainCodes = {
  shape: 'RIM_CHAIN_INVALID',
  untrusted: 'RIM_CHAIN_UNTRUSTED',
  certificate: 'RIM_CERT_INVALID',
  signature: 'RIM_CERT_SIGNATURE_INVALID',
  expired: 'RIM_EXPIRED',
  notYetValid: 'RIM_NOT_YET_VALID',
}

/** A document that a signer under the root signed. Whether the signer is still valid is asked apart. */
export interface VerifiedRim {
  readonly sha256: Hex
  readonly content: RimContent
  readonly chain: NvidiaChain
}

/**
 * Verifies a RIM: digest of the canonical document without its signature, the chain in its KeyInfo to the root, and the
 * signature by the first certificate of that chain, never by another key that stands in KeyInfo. Golden values are read
 * last, from the very tree that was digested.
 * @throws CheckFailure
 */
export async function verifyRim(
  document: Uint8Array,
  root: Certificate,
  store: CertificateStore,
  keys: SignatureVerifier,
): Promise<VerifiedRim> {
  try {
    if (document.length > MAX_RIM_BYTES) throw new XmlError(`more than ${MAX_RIM_BYTES} bytes`)
    // Before anything is awaited: the caller may change the buffer afterwards.
    const documentSha256 = toHex(sha256(document))
    const tree = readXml(decodeUtf8(document, 'RIM'))
    const signed = readXmlSignature(tree)
    const digest = sha384(utf8(canonicalXml(tree, signed.element)))
    if (!equalBytes(digest, signed.digest)) {
      throw new CheckFailure('RIM_SIGNATURE_INVALID', 'the digest that was signed', 'another')
    }
    if (signed.certificates.length !== RIM_CHAIN_LENGTH) {
      const actual = String(signed.certificates.length)
      throw new CheckFailure(RIM_CODES.shape, `${RIM_CHAIN_LENGTH} certificates`, actual)
    }
    const given = signed.certificates.map((block) => store.read(block))
    const chain = await verifyNvidiaChain(given, RIM_CHAIN_LENGTH, root, store, RIM_CODES)
    const message = utf8(canonicalXml(signed.signedInfo))
    const signer = chain[0]?.publicKey ?? new Uint8Array(0)
    if (!(await keys.verify(signer, signed.signature, message))) {
      throw new CheckFailure('RIM_SIGNATURE_INVALID', 'signed by its signer', 'signature invalid')
    }
    return { sha256: documentSha256, content: readRimContent(tree), chain }
  } catch (error) {
    throw asFailure(error)
  }
}

function asFailure(error: unknown): unknown {
  if (error instanceof XmlError || error instanceof ProtocolError) {
    return new CheckFailure('RIM_INVALID', 'a RIM of the profile', error.message)
  }
  if (error instanceof DerError || error instanceof PemError) {
    return new CheckFailure(RIM_CODES.certificate, 'certificates of the signer', error.message)
  }
  return error
}
