import { fromBase64 } from '../../x509/pem.ts'
import { attributeOf, childElements, onlyChild, textOf } from './element-access.ts'
import { XmlError, type XmlElement } from './read-xml.ts'

const DS = 'http://www.w3.org/2000/09/xmldsig#'
const C14N11 = 'http://www.w3.org/2006/12/xml-c14n11'
const ENVELOPED = `${DS}enveloped-signature`
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const DIGEST_BYTES = 48
const SIGNATURE_BYTES = 96

/** An enveloped signature of the one profile that RIMs have; nothing of it is verified yet. */
export interface XmlSignature {
  readonly element: XmlElement
  readonly signedInfo: XmlElement
  readonly digest: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
  /** Base64 with line breaks, leaf first. */
  readonly certificates: readonly string[]
}

/**
 * Reads the one signature that is a child of `root`: canonical XML 1.1, ECDSA with SHA-384, one reference to the whole
 * document with the enveloped-signature transform (XML Signature §6). Another structure is another profile, and refused.
 * @throws XmlError
 */
export function readXmlSignature(root: XmlElement): XmlSignature {
  const element = onlyChild(root, DS, 'Signature')
  const [signedInfo, value, keyInfo] = exactly(element, 'SignedInfo', 'SignatureValue', 'KeyInfo')
  const [c14n, method, reference] = exactly(
    signedInfo,
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  )
  requireAlgorithm(c14n, C14N11)
  requireAlgorithm(method, `${MORE}ecdsa-sha384`)
  requireAttributes(reference, { URI: '' })
  const [transforms, digestMethod, digestValue] = exactly(
    reference,
    'Transforms',
    'DigestMethod',
    'DigestValue',
  )
  const [enveloped, canonical] = exactly(transforms, 'Transform', 'Transform')
  requireAlgorithm(enveloped, ENVELOPED)
  requireAlgorithm(canonical, C14N11)
  requireAlgorithm(digestMethod, `${MORE}sha384`)
  const [x509Data] = exactly(keyInfo, 'X509Data')
  for (const plain of [element, signedInfo, transforms, digestValue, value, keyInfo, x509Data]) {
    requireAttributes(plain, {})
  }
  return {
    element,
    signedInfo,
    digest: base64Of(digestValue, DIGEST_BYTES),
    signature: base64Of(value, SIGNATURE_BYTES),
    certificates: childElements(x509Data).map((certificate) => {
      if (certificate.namespace !== DS || certificate.local !== 'X509Certificate') {
        throw new XmlError(`X509Data: expected X509Certificate, got ${certificate.local}`)
      }
      return base64Text(certificate)
    }),
  }
}

/** Exactly these children in that order, all of the namespace of signatures. */
function exactly<Names extends readonly string[]>(
  parent: XmlElement,
  ...names: Names
): { readonly [Index in keyof Names]: XmlElement } {
  const children = childElements(parent)
  const found = children.map(({ namespace, local }) => (namespace === DS ? local : `?${local}`))
  if (found.join() !== names.join()) {
    throw new XmlError(`${parent.local}: expected ${names.join()}, got ${found.join()}`)
  }
  return children as { readonly [Index in keyof Names]: XmlElement }
}

function requireAlgorithm(element: XmlElement, algorithm: string): void {
  if (element.children.length > 0) throw new XmlError(`${element.local}: expected to be empty`)
  requireAttributes(element, { Algorithm: algorithm })
}

function requireAttributes(element: XmlElement, wanted: Readonly<Record<string, string>>): void {
  const names = Object.keys(wanted)
  const isAll = names.every((name) => attributeOf(element, name) === wanted[name])
  if (!isAll || element.attributes.length !== names.length) {
    const expected = names.map((name) => `${name} ${wanted[name] ?? ''}`).join() || 'no attributes'
    throw new XmlError(`${element.local}: expected ${expected}`)
  }
}

function base64Of(element: XmlElement, length: number): Uint8Array {
  try {
    const bytes = fromBase64(base64Text(element))
    if (bytes.length === length) return bytes
  } catch (error) {
    if (error instanceof XmlError) throw error
  }
  throw new XmlError(`${element.local}: expected ${length} bytes in base64`)
}

/** Base64 in XML may be indented (XML Schema Part 2 §3.2.16); line breaks are read anyway. */
function base64Text(element: XmlElement): string {
  return textOf(element).replaceAll(/[ \t]/g, '')
}
