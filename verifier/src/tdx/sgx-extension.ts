import { CheckFailure } from '../report/check-failure.ts'
import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex, toBareHex } from '../bytes/hex.ts'
import { booleanValue, DER, DerError, DerReader, objectId, smallInteger } from '../x509/der.ts'
import type { Certificate } from '../x509/certificate.ts'

const OID = '1.2.840.113741.1.13.1'
/** Content octets of {@link OID}, and of the OIDs of its fields 2 and 7. */
const OID_BYTES = fromBareHex('2a864886f84d010d01')
const TCB_BYTES = Uint8Array.of(...OID_BYTES, 2)
const CONFIGURATION_BYTES = Uint8Array.of(...OID_BYTES, 7)
const COMPONENTS = 16

/** What Intel certified of a platform (PCK Certificate and CRL Profile Specification §1.3.5). */
export interface PckPlatform {
  /** 16 SVNs of the SGX components. */
  readonly components: readonly number[]
  readonly pceSvn: number
  /** Hex, 2 bytes. */
  readonly pceId: string
  /** Hex, 6 bytes. */
  readonly fmspc: string
  /** Hex, 16 bytes: names the platform. */
  readonly ppid: string
  readonly sgxType: 'standard' | 'scalable' | 'scalable-with-integrity'
  /** Hex, 16 bytes; only certificates of the Platform CA have it. */
  readonly platformInstanceId: string | undefined
  readonly dynamicPlatform: boolean | undefined
  readonly cachedKeys: boolean | undefined
  readonly smtEnabled: boolean | undefined
}

/** Reads the SGX extension of a PCK leaf: each field once, of its length. @throws CheckFailure */
export function readPckPlatform(leaf: Certificate): PckPlatform {
  const value = leaf.extensions.get(OID)
  try {
    if (value === undefined) throw new DerError('SGX extension: missing')
    return readExtension(value)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new CheckFailure('PCK_SGX_EXTENSION_INVALID', 'the SGX extension', error.message)
  }
}

function readExtension(value: Uint8Array): PckPlatform {
  const all = new DerReader(value, 'SGX extension')
  const fields = new Fields(all.inside(DER.sequence, 'value'), OID_BYTES)
  all.end()
  const tcb = new Fields(fields.sequence(2), TCB_BYTES)
  const components = Array.from({ length: COMPONENTS }, (_, index) => tcb.integer(index + 1, 0xff))
  const pceSvn = tcb.integer(17, 0xffff)
  // Intel matches on the components, others on the octets: they must say the same.
  if (!equalBytes(tcb.octets(18, COMPONENTS), Uint8Array.from(components))) {
    throw new DerError('SGX extension: CPUSVN differs from the components')
  }
  tcb.end()
  const configuration = fields.has(7)
    ? new Fields(fields.sequence(7), CONFIGURATION_BYTES)
    : undefined
  const platform = {
    components,
    pceSvn,
    pceId: toBareHex(fields.octets(3, 2)),
    fmspc: toBareHex(fields.octets(4, 6)),
    ppid: toBareHex(fields.octets(1, 16)),
    sgxType: sgxTypeOf(fields.value(5, DER.enumerated)),
    platformInstanceId: fields.has(6) ? toBareHex(fields.octets(6, 16)) : undefined,
    dynamicPlatform: configuration?.optionalFlag(1),
    cachedKeys: configuration?.optionalFlag(2),
    smtEnabled: configuration?.optionalFlag(3),
  }
  configuration?.end()
  fields.end()
  return platform
}

const SGX_TYPES = ['standard', 'scalable', 'scalable-with-integrity'] as const

function sgxTypeOf(content: Uint8Array): PckPlatform['sgxType'] {
  const type = SGX_TYPES[smallInteger(content, 2, 'SGX extension: type')]
  if (type === undefined) throw new DerError('SGX extension: type')
  return type
}

/**
 * SEQUENCE OF {OID, value} under one parent OID, by the last arc, which takes one octet. Each field is taken once, and
 * none may be left.
 */
class Fields {
  readonly #byArc: (DerReader | undefined)[] = []

  constructor(list: DerReader, parent: Uint8Array) {
    while (!list.done) {
      const field = list.inside(DER.sequence, 'field')
      const oid = field.content(DER.objectId, 'oid')
      const arc = arcUnder(parent, oid)
      if (arc === undefined) throw new DerError(`SGX extension: ${text(oid)} in ${text(parent)}`)
      if (this.has(arc)) throw new DerError(`SGX extension: ${text(oid)} twice`)
      this.#byArc[arc] = field
    }
  }

  has(arc: number): boolean {
    return this.#byArc[arc] !== undefined
  }

  /** The reader in front of the value of a field. */
  #take(arc: number): DerReader {
    const field = this.#byArc[arc]
    if (field === undefined) throw new DerError(`SGX extension: field .${arc} missing`)
    this.#byArc[arc] = undefined
    return field
  }

  value(arc: number, tag: number): Uint8Array {
    const field = this.#take(arc)
    const value = field.content(tag, 'value')
    field.end()
    return value
  }

  sequence(arc: number): DerReader {
    const field = this.#take(arc)
    const inner = field.inside(DER.sequence, 'value')
    field.end()
    return inner
  }

  integer(arc: number, max: number): number {
    return smallInteger(this.value(arc, DER.integer), max, 'SGX extension: integer')
  }

  octets(arc: number, length: number): Uint8Array {
    const value = this.value(arc, DER.octetString)
    if (value.length !== length) {
      throw new DerError(`SGX extension: field .${arc}: ${value.length} bytes, not ${length}`)
    }
    return value
  }

  optionalFlag(arc: number): boolean | undefined {
    if (!this.has(arc)) return undefined
    return booleanValue(this.value(arc, DER.boolean), 'SGX extension: flag')
  }

  end(): void {
    const left = this.#byArc.findIndex((field) => field !== undefined)
    if (left !== -1) throw new DerError(`SGX extension: unknown field .${left}`)
  }
}

/** The one arc by which an OID is longer than its parent; undefined where it is not such a child. */
function arcUnder(parent: Uint8Array, oid: Uint8Array): number | undefined {
  const arc = oid[parent.length]
  const isChild = oid.length === parent.length + 1 && arc !== undefined && arc < 0x80
  return isChild && parent.every((byte, index) => byte === oid[index]) ? arc : undefined
}

function text(oid: Uint8Array): string {
  return objectId(oid, 'SGX extension')
}
