import { createHash } from 'node:crypto'
import { toBareHex } from '@jeju/verifier/protocol'
import type { RandomSource } from '../pki/random-source.ts'
import { serialOf } from './device-pki.ts'
import { issueP384, USAGE_CERT_AND_CRL, USAGE_SIGN, type P384Identity } from './p384-certificate.ts'
import { createP384Key, signP384 } from './p384-key.ts'

/** Who signs RIMs: signer, two authorities, root. */
export interface RimPki {
  readonly chain: readonly P384Identity[]
  readonly signer: P384Identity
  readonly root: P384Identity
}

const DAY_MS = 24 * 3600 * 1000

/** A RIM PKI in the form of NVIDIA's; the signer is valid for two years around `at`. */
export function createRimPki(at: Date, random: RandomSource): RimPki {
  const days = (count: number): Date => new Date(at.getTime() + count * DAY_MS)
  const issue = (
    commonName: string,
    until: Date,
    issuer: P384Identity | undefined,
    ca: { readonly pathLength?: number } | undefined,
  ): P384Identity =>
    issueP384({
      commonName,
      key: createP384Key(random, `${commonName}/key`),
      serial: serialOf(random, commonName),
      from: days(-365),
      until,
      usage: ca === undefined ? USAGE_SIGN : USAGE_CERT_AND_CRL,
      ...(issuer === undefined ? {} : { issuer }),
      ...(ca === undefined ? {} : { ca }),
    })
  const root = issue('NVIDIA CoRIM signing Root CA', days(9000), undefined, {})
  const ca = issue('NVIDIA Reference Value CA', days(4000), root, {})
  const l3 = issue('NVIDIA Reference Value L3 001', days(1500), ca, { pathLength: 0 })
  const signer = issue('HCC RIM L4 Signer', days(365), l3, undefined)
  return { chain: [signer, l3, ca, root], signer, root }
}

/** What a RIM is to say. */
export interface RimRequest {
  readonly product: string
  readonly edition: 'GPU' | 'SWITCH'
  readonly version: string
  /** Digests by index from 0, any of which will do; other indexes are written as not active. */
  readonly golden: ReadonlyMap<number, readonly Uint8Array[]>
  /** Least SVN by type of opaque data. */
  readonly minSvns?: ReadonlyMap<number, number>
}

/** How a RIM lies, each in one way. */
export interface RimLies {
  /** Changes the text before it is signed, up to the signature; it must stay in its canonical form. */
  readonly draft?: (text: string) => string
  /** Changes the text after it was signed. */
  readonly edit?: (text: string) => string
  /** Who signs instead of the certificate that stands first. */
  readonly signWith?: P384Identity
  /** Certificates instead of the signer's. */
  readonly chain?: readonly P384Identity[]
}

const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const DS = 'http://www.w3.org/2000/09/xmldsig#'
const HASH = 'http://www.w3.org/2001/04/xmlenc#sha384'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const C14N11 = 'http://www.w3.org/2006/12/xml-c14n11'
const OPAQUE = 'https://docs.nvidia.com/attestation/specs/latest/opaque-data.html'
const RESOURCES = 64

/** A SWID tag with an enveloped signature. It is written in its canonical form, so that what is hashed is the text. */
export function writeRim(request: RimRequest, pki: RimPki, lies: RimLies = {}): Uint8Array {
  const honest = opening(request)
  const open = lies.draft?.(honest) ?? honest
  const digest = createHash('sha384').update(`${open}</SoftwareIdentity>`).digest('base64')
  const info = signedInfo(digest)
  const scope = ` xmlns="${SWID}" xmlns:ds="${DS}" xmlns:ns0="${SWID}" xmlns:ns2="${HASH}" xmlns:ns3="${OPAQUE}"`
  const canonical = info.replace('<ds:SignedInfo', `<ds:SignedInfo${scope}`)
  const { key } = lies.signWith ?? pki.signer
  const signature = Buffer.from(signP384(key, new TextEncoder().encode(canonical)))
  const certificates = (lies.chain ?? pki.chain).map(
    ({ der }) =>
      `<ds:X509Certificate>${(
        Buffer.from(der)
          .toString('base64')
          .match(/.{1,64}/g) ?? []
      ).join('\n')}\n</ds:X509Certificate>`,
  )
  const text =
    `${open}<ds:Signature xmlns:ds="${DS}">${info}` +
    `<ds:SignatureValue>${signature.toString('base64')}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data>${certificates.join('')}</ds:X509Data></ds:KeyInfo></ds:Signature></SoftwareIdentity>`
  return new TextEncoder().encode(lies.edit?.(text) ?? text)
}

function opening({ product, edition, version, golden, minSvns = new Map() }: RimRequest): string {
  const lines = Array.from({ length: RESOURCES }, (_, index) => {
    const digests = golden.get(index)
    const active = digests === undefined ? 'False' : 'True'
    const hashes = (digests ?? [new Uint8Array(48)])
      .map((digest, number) => ` ns2:Hash${number}="${toBareHex(digest)}"`)
      .join('')
    const count = digests?.length ?? 1
    return `        <ns0:Resource active="${active}" alternatives="${count}" index="${index}" name="Measurement_${index}" size="48" type="Measurement"${hashes}></ns0:Resource>`
  })
  const floors = [...minSvns].map(
    ([type, minSvn]) =>
      `        <ns0:Resource index="${4096 + type}" name="OpaqueData_${type}" type="OpaqueData" ns3:includeInResult="True" ns3:minSvn="${minSvn}"></ns0:Resource>`,
  )
  return [
    `<SoftwareIdentity xmlns="${SWID}" xmlns:ns0="${SWID}" xmlns:ns2="${HASH}" xmlns:ns3="${OPAQUE}" corpus="false" name="${product}" patch="false" supplemental="false" tagId="${'00'.repeat(48)}" tagVersion="0" version="1.0">`,
    `    <ns0:Entity name="Jeju Compute Simulator" role="softwareCreator tagCreator"></ns0:Entity>`,
    `    <ns0:Meta PayloadType="direct" colloquialVersion="${version}" edition="${edition}" product="${product}" revision="r1"></ns0:Meta>`,
    `    <ns0:Payload xmlns:SHA384="${HASH}">`,
    ...lines,
    ...floors,
    `    </ns0:Payload>`,
    ``,
  ].join('\n')
}

function signedInfo(digest: string): string {
  const empty = (name: string, algorithm: string): string =>
    `<ds:${name} Algorithm="${algorithm}"></ds:${name}>`
  return (
    `<ds:SignedInfo>${empty('CanonicalizationMethod', C14N11)}${empty('SignatureMethod', `${MORE}ecdsa-sha384`)}` +
    `<ds:Reference URI=""><ds:Transforms>${empty('Transform', `${DS}enveloped-signature`)}${empty('Transform', C14N11)}</ds:Transforms>` +
    `${empty('DigestMethod', `${MORE}sha384`)}<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  )
}
