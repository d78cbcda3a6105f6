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

const OID = 0x06
const BOOLEAN = 0x01
const INTEGER = 0x02
const OCTET_STRING = 0x04
const ENUMERATED = 0x0a
const SEQUENCE = 0x30

/** DER of the extension value, with every field that certificates of the Platform CA have. */
export function sgxExtension(platform: SgxPlatform): Uint8Array<ArrayBuffer> {
  const components = Array.from(platform.components, (svn, index) =>
    entry([2, index + 1], integer(svn)),
  )
  return element(
    SEQUENCE,
    entry([1], element(OCTET_STRING, platform.ppid)),
    entry(
      [2],
      element(
        SEQUENCE,
        ...components,
        entry([2, 17], integer(platform.pceSvn)),
        entry([2, 18], element(OCTET_STRING, platform.components)),
      ),
    ),
    entry([3], element(OCTET_STRING, platform.pceId)),
    entry([4], element(OCTET_STRING, platform.fmspc)),
    entry([5], element(ENUMERATED, Uint8Array.of(1))), // scalable
    entry([6], element(OCTET_STRING, platform.platformInstanceId)),
    entry(
      [7],
      element(
        SEQUENCE,
        entry([7, 1], boolean(true)), // dynamicPlatform
        entry([7, 2], boolean(false)), // cachedKeys
        entry([7, 3], boolean(true)), // smtEnabled
      ),
    ),
  )
}

/** 1.2.840.113741.1.13.1 in DER, without tag and length. */
const ARC = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01)

function entry(suffix: readonly number[], value: Uint8Array): Uint8Array {
  return element(SEQUENCE, element(OID, ARC, Uint8Array.from(suffix)), value)
}

function integer(value: number): Uint8Array {
  const bytes = value < 0x80 ? [value] : value < 0x8000 ? [value >> 8, value & 0xff] : undefined
  if (bytes === undefined) throw new RangeError(`integer ${value} is out of range`)
  return element(INTEGER, Uint8Array.from(bytes))
}

function boolean(value: boolean): Uint8Array {
  return element(BOOLEAN, Uint8Array.of(value ? 0xff : 0x00))
}

function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return new Uint8Array([...head, ...parts.flatMap((part) => [...part])])
}
