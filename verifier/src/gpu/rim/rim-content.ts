import { fromBareHex } from '../../bytes/hex.ts'
import { attributeOf, childElements, onlyChild } from '../xml/element-access.ts'
import { XmlError, type XmlElement } from '../xml/read-xml.ts'

/** Namespace of software identification tags (ISO/IEC 19770-2:2015). */
const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const HASH = 'http://www.w3.org/2001/04/xmlenc#sha384'
const OPAQUE_DATA = 'https://docs.nvidia.com/attestation/specs/latest/opaque-data.html'
/** From here on an index stands for a type of opaque data. */
const FIRST_OPAQUE_INDEX = 0x1000
const MAX_INDEX = 0xffff
const MAX_RESOURCES = 512
const MAX_ALTERNATIVES = 64
const DIGEST_BYTES = 48

/** Reference values of one document (TCG Reference Integrity Manifest), by index. */
export interface RimContent {
  /** `GH100`, `GB100`, `LS10`. */
  readonly product: string
  /** `GPU` or `SWITCH`. */
  readonly edition: string
  /** Of driver, VBIOS or switch BIOS. */
  readonly version: string
  /** Active measurements: any of the digests will do. */
  readonly golden: ReadonlyMap<number, readonly Uint8Array[]>
  /** Least security version numbers, by type of opaque data. */
  readonly minSvns: ReadonlyMap<number, number>
}

/** Reads a tag of which the signature holds; golden values out of anything else are nobody's. @throws XmlError */
export function readRimContent(root: XmlElement): RimContent {
  if (root.local !== 'SoftwareIdentity' || root.namespace !== SWID) {
    throw new XmlError('expected SoftwareIdentity')
  }
  const meta = onlyChild(root, SWID, 'Meta')
  const golden = new Map<number, readonly Uint8Array[]>()
  const minSvns = new Map<number, number>()
  const seen = new Set<number>()
  const resources = childElements(onlyChild(root, SWID, 'Payload'))
  if (resources.length > MAX_RESOURCES) throw new XmlError(`more than ${MAX_RESOURCES} resources`)
  for (const resource of resources) {
    if (resource.local !== 'Resource' || resource.namespace !== SWID) {
      throw new XmlError(`expected Resource, got ${resource.local}`)
    }
    const index = integer(resource, 'index', MAX_INDEX)
    if (seen.has(index)) throw new XmlError(`index ${index} twice`)
    seen.add(index)
    if (index >= FIRST_OPAQUE_INDEX) {
      minSvns.set(index - FIRST_OPAQUE_INDEX, minSvnOf(resource))
    } else {
      const digests = digestsOf(resource, index)
      if (digests !== undefined) golden.set(index, digests)
    }
  }
  // A comparison with nothing would hold for everything.
  if (golden.size === 0) throw new XmlError('no active measurement')
  return {
    product: required(meta, 'product'),
    edition: required(meta, 'edition'),
    version: required(meta, 'colloquialVersion'),
    golden,
    minSvns,
  }
}

/** Digests of a measurement; undefined where it is not active. */
function digestsOf(resource: XmlElement, index: number): readonly Uint8Array[] | undefined {
  const active = required(resource, 'active')
  const isHash = required(resource, 'type') === 'Measurement' && required(resource, 'size') === '48'
  if (!isHash || (active !== 'True' && active !== 'False')) {
    throw new XmlError(`index ${index}: expected a measurement of 48 bytes, active or not`)
  }
  const count = integer(resource, 'alternatives', MAX_ALTERNATIVES)
  const hashes = resource.attributes.filter(({ namespace }) => namespace === HASH)
  if (count === 0 || hashes.length !== count) {
    throw new XmlError(`index ${index}: expected ${count} digests, got ${hashes.length}`)
  }
  const digests = Array.from({ length: count }, (_, number) => {
    const hex = attributeOf(resource, `Hash${number}`, HASH) ?? ''
    if (!/^[0-9a-fA-F]{96}$/.test(hex)) throw new XmlError(`index ${index}: not a digest`)
    return fromBareHex(hex, DIGEST_BYTES)
  })
  return active === 'True' ? digests : undefined
}

/** Opaque data records say nothing but a floor; another statement would be missed by who reads this one. */
function minSvnOf(resource: XmlElement): number {
  const known = new Set(['minSvn', 'includeInResult'])
  const own = resource.attributes.filter(({ namespace }) => namespace !== '')
  const isHash = own.some(({ namespace, local }) => namespace !== OPAQUE_DATA || !known.has(local))
  const minSvn = attributeOf(resource, 'minSvn', OPAQUE_DATA) ?? ''
  if (isHash || !/^\d{1,5}$/.test(minSvn))
    throw new XmlError('an opaque data record without minSvn')
  return Number(minSvn)
}

function required(element: XmlElement, name: string): string {
  const value = attributeOf(element, name)
  if (value === undefined) throw new XmlError(`${element.local}.${name}: missing`)
  return value
}

function integer(element: XmlElement, name: string, max: number): number {
  const text = required(element, name)
  const value = /^(0|[1-9]\d{0,5})$/.test(text) ? Number(text) : Infinity
  if (value > max) throw new XmlError(`${element.local}.${name}: expected at most ${max}`)
  return value
}
