import { boolean, element, integer, objectId, octets, sequence, TAG } from './der-writer.ts'

/** Writes the SGX extension of a PCK certificate (Intel PCK Certificate and CRL Specification §1.3.5). */

export const SGX_EXTENSION_OID = '1.2.840.113741.1.13.1'

/** Platform facts a PCK certificate states. */
export interface SgxPlatform {
  readonly ppid: Uint8Array
  /** 16 component SVNs, 0 to 255. */
  readonly components: Uint8Array
  readonly pceSvn: number
  readonly pceId: Uint8Array
  readonly fmspc: Uint8Array
  readonly platformInstanceId: Uint8Array
}

/** One field: the arcs behind {@link SGX_EXTENSION_OID}, such as `2.17`, and the DER of its value. */
export interface SgxField {
  readonly arcs: string
  readonly value: Uint8Array
}

/** DER of the extension value, with every field that certificates of the Platform CA have. */
export function sgxExtension(platform: SgxPlatform): Uint8Array<ArrayBuffer> {
  return encodeSgxFields(sgxFields(platform))
}

/** The fields in the order of Intel's certificates. */
export function sgxFields(platform: SgxPlatform): readonly SgxField[] {
  const components = Array.from(platform.components, (svn, index) => ({
    arcs: `2.${index + 1}`,
    value: integer(svn),
  }))
  return [
    { arcs: '1', value: octets(platform.ppid) },
    ...components,
    { arcs: '2.17', value: integer(platform.pceSvn) },
    { arcs: '2.18', value: octets(platform.components) },
    { arcs: '3', value: octets(platform.pceId) },
    { arcs: '4', value: octets(platform.fmspc) },
    { arcs: '5', value: element(TAG.enumerated, Uint8Array.of(1)) }, // scalable
    { arcs: '6', value: octets(platform.platformInstanceId) },
    { arcs: '7.1', value: boolean(true) }, // dynamicPlatform
    { arcs: '7.2', value: boolean(false) }, // cachedKeys
    { arcs: '7.3', value: boolean(true) }, // smtEnabled
  ]
}

/** DER of the extension value of these fields; those with two arcs stand together, where the first of them is. */
export function encodeSgxFields(fields: readonly SgxField[]): Uint8Array<ArrayBuffer> {
  const parts = fields.flatMap((field, index) => {
    const group = parentOf(field)
    if (group === undefined) return [entry(field)]
    if (fields.findIndex((other) => parentOf(other) === group) < index) return []
    const members = fields.filter((other) => parentOf(other) === group)
    return [entry({ arcs: group, value: sequence(...members.map(entry)) })]
  })
  return sequence(...parts)
}

function parentOf({ arcs }: SgxField): string | undefined {
  const [parent, child] = arcs.split('.')
  return child === undefined ? undefined : parent
}

function entry({ arcs, value }: SgxField): Uint8Array {
  return sequence(objectId(`${SGX_EXTENSION_OID}.${arcs}`), value)
}
