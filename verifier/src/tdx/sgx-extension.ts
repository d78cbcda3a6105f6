import { CheckFailure } from '../report/check-failure.ts'
import { equalBytes } from '../bytes/bytes.ts'
import { toBareHex } from '../bytes/hex.ts'
import {
  booleanValue,
  DER,
  DerError,
  DerReader,
  objectId,
  smallInteger,
  type DerElement,
} from '../x509/der.ts'
import type { Certificate } from '../x509/certificate.ts'

const OID = '1.2.840.113741.1.13.1'
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
  const fields = new Fields(all.inside(DER.sequence, 'value'), OID)
  all.end()
  const tcb = new Fields(fields.sequence('2'), `${OID}.2`)
  const components = Array.from({ length: COMPONENTS }, (_, index) =>
    tcb.integer(String(index + 1), 0xff),
  )
  const pceSvn = tcb.integer('17', 0xffff)
  // Intel matches on the components, others on the octets: they must say the same.
  if (!equalBytes(tcb.octets('18', COMPONENTS), Uint8Array.from(components))) {
    throw new DerError('SGX extension: CPUSVN differs from the components')
  }
  tcb.end()
  const configuration = fields.has('7') ? new Fields(fields.sequence('7'), `${OID}.7`) : undefined
  const platform = {
    components,
    pceSvn,
    pceId: toBareHex(fields.octets('3', 2)),
    fmspc: toBareHex(fields.octets('4', 6)),
    ppid: toBareHex(fields.octets('1', 16)),
    sgxType: sgxTypeOf(fields.value('5', DER.enumerated).content),
    platformInstanceId: fields.has('6') ? toBareHex(fields.octets('6', 16)) : undefined,
    dynamicPlatform: configuration?.optionalFlag('1'),
    cachedKeys: configuration?.optionalFlag('2'),
    smtEnabled: configuration?.optionalFlag('3'),
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

/** SEQUENCE OF {OID, value}, by the last arc of the OID. Each field is taken once, and none may be left. */
class Fields {
  readonly #byArc = new Map<string, DerReader>()

  constructor(list: DerReader, parent: string) {
    while (!list.done) {
      const field = list.inside(DER.sequence, 'field')
      const oid = objectId(field.element(DER.objectId, 'oid').content, 'SGX extension')
      if (!oid.startsWith(`${parent}.`)) throw new DerError(`SGX extension: ${oid} in ${parent}`)
      const arc = oid.slice(parent.length + 1)
      if (this.#byArc.has(arc)) throw new DerError(`SGX extension: ${oid} twice`)
      this.#byArc.set(arc, field)
    }
  }

  has(arc: string): boolean {
    return this.#byArc.has(arc)
  }

  value(arc: string, tag: number): DerElement {
    const field = this.#byArc.get(arc)
    if (field === undefined) throw new DerError(`SGX extension: field .${arc} missing`)
    this.#byArc.delete(arc)
    const element = field.element(tag, `.${arc}`)
    field.end()
    return element
  }

  sequence(arc: string): DerReader {
    return new DerReader(this.value(arc, DER.sequence).content, `SGX extension.${arc}`)
  }

  integer(arc: string, max: number): number {
    return smallInteger(this.value(arc, DER.integer).content, max, `SGX extension: field .${arc}`)
  }

  octets(arc: string, length: number): Uint8Array {
    const { content } = this.value(arc, DER.octetString)
    if (content.length !== length) {
      throw new DerError(`SGX extension: field .${arc}: ${content.length} bytes, not ${length}`)
    }
    return content
  }

  optionalFlag(arc: string): boolean | undefined {
    if (!this.has(arc)) return undefined
    return booleanValue(this.value(arc, DER.boolean).content, `SGX extension: field .${arc}`)
  }

  end(): void {
    const [left] = this.#byArc.keys()
    if (left !== undefined) throw new DerError(`SGX extension: unknown field .${left}`)
  }
}
