import { decodeUtf8, equalBytes } from '../../bytes/bytes.ts'
import { fromHex } from '../../bytes/hex.ts'
import { parseCertificate, type Certificate } from '../../x509/certificate.ts'
import { derElement } from '../../x509/der-writer.ts'
import { DER } from '../../x509/der.ts'
import { P384_PROFILE } from '../../x509/ecdsa-profile.ts'
import { pemBlockDer } from '../../x509/pem.ts'
import { bundledCertificates, bundledDevices, orNothing } from '../bundled-devices.ts'
import type { GpuTrustAnchor } from '../gpu-trust-anchor.ts'
import { readXml, XmlError } from '../xml/read-xml.ts'
import { readXmlSignature } from '../xml/xml-signature.ts'
import { issuerHashes } from './cert-id.ts'

/** Nobody answers for a device's leaf. */
const FIRST_DEVICE_CERTIFICATE = 1
/** SHA-384 with its NULL, as NVIDIA's own tools name it. */
const SHA384 = fromHex('0x300d06096086480165030402020500')

/** Documents come out of a cache as the same bytes again and again, and reading one takes milliseconds. */
const readRims = new WeakMap<Uint8Array, readonly Certificate[]>()

/**
 * OCSP requests (RFC 6960 §4.1.1) about every certificate that has a status: of a bundle's devices, and of those who
 * signed the documents it is compared with. Each stands for itself, without a nonce, so that an answer serves every node
 * until it ends. Nobody has verified the certificates yet; an answer counts only for what is verified.
 * @throws ProtocolError on a bundle that cannot be read
 */
export async function ocspRequestsOf(
  evidence: Uint8Array,
  rims: ReadonlyMap<string, Uint8Array>,
  { deviceRoot, rimRoot }: GpuTrustAnchor,
): Promise<readonly Uint8Array[]> {
  const ofDevices = bundledDevices(evidence).map((device) => {
    const chain = bundledCertificates(device)
    return linksOf(chain, FIRST_DEVICE_CERTIFICATE, deviceRoot)
  })
  const ofRims = [...rims.values()].map((document) => linksOf(signersOf(document), 0, rimRoot))
  const links = new Map([...ofDevices, ...ofRims].flat())
  return Promise.all([...links.values()].map(requestAbout))
}

interface Link {
  readonly certificate: Certificate
  readonly issuer: Certificate
}

/** Certificates of a chain with who issued them, without its root, which nobody can revoke; by what tells them apart. */
function linksOf(
  chain: readonly Certificate[],
  first: number,
  root: Certificate,
): readonly (readonly [string, Link])[] {
  return chain.slice(first).flatMap((certificate, index) => {
    const issuer = chain[first + index + 1] ?? root
    const isRoot = equalBytes(certificate.publicKey, root.publicKey)
    const name = `${issuer.commonName} ${certificate.serial}`
    return isRoot ? [] : [[name, { certificate, issuer }] as const]
  })
}

function signersOf(document: Uint8Array): readonly Certificate[] {
  const known = readRims.get(document)
  if (known !== undefined) return known
  const read = orNothing(() => {
    try {
      const { certificates } = readXmlSignature(readXml(decodeUtf8(document, 'RIM')))
      return certificates.map((block) => parseCertificate(pemBlockDer(block), 'RIM', P384_PROFILE))
    } catch (error) {
      if (error instanceof XmlError) return []
      throw error
    }
  })
  readRims.set(document, read)
  return read
}

async function requestAbout({ certificate, issuer }: Link): Promise<Uint8Array> {
  const { issuerNameHash, issuerKeyHash } = await issuerHashes(issuer, 'SHA-384')
  const certId = derElement(
    DER.sequence,
    SHA384,
    derElement(DER.octetString, issuerNameHash),
    derElement(DER.octetString, issuerKeyHash),
    integer(certificate.serial),
  )
  const requests = derElement(DER.sequence, derElement(DER.sequence, certId))
  return derElement(DER.sequence, derElement(DER.sequence, requests))
}

/** Hex of a positive value. */
function integer(hex: string): Uint8Array {
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`
  const value = fromHex(`0x${digits}`)
  const sign = (value[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0)
  return derElement(DER.integer, sign, value)
}
