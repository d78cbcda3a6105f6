import { readBase64 } from '../../bytes/base64.ts'
import { fromBareHex } from '../../bytes/hex.ts'
import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { VerifierError } from '../../errors.ts'
import type { PageOrder } from './mrtd.ts'

/** What the host says about the machine. A wrong value only makes the registers mismatch. */
export interface VmConfig {
  /** 32 bytes. */
  readonly osImageHash: Uint8Array
  readonly memoryBytes: bigint
  readonly pageOrder: PageOrder
  /** The image's own measurement and the list of files it stands in; absent for images before 0.6. */
  readonly measurement: EmbeddedMeasurement | undefined
}

/** Files of an image that the host carries along, unauthenticated. */
export interface EmbeddedMeasurement {
  readonly checksumFile: Uint8Array
  readonly document: Uint8Array
}

const MAX_CONFIG_CHARACTERS = 256 * 1024
const MAX_DEPTH = 16
/** Guest physical addresses have at most 52 bits. */
const MAX_MEMORY_BYTES = 2 ** 52
const FIRST_SINGLE_PASS_MAJOR = 9
const DEFAULT_QEMU = '9.1.0'

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the members of a dstack `vm_config` that decide about registers, also from a sys-config that holds one as
 * text. Other members have no meaning here.
 * @throws VerifierError `VM_CONFIG_INVALID`, or `VM_UNSUPPORTED` for a machine whose registers cannot be modelled
 */
export function parseVmConfig(text: string): VmConfig {
  const outer = readObject(text)
  const inner = member(outer, 'vm_config', 'string', '')
  const config = inner === '' ? outer : readObject(inner)
  if (member(config, 'swtpm', 'boolean', false)) throw unsupported('a software TPM')
  const layout = member(config, 'ovmf_variant', 'string', 'pre202505')
  if (layout !== 'pre202505') throw unsupported('another firmware layout than pre202505')
  return {
    osImageHash: readHash(config['os_image_hash']),
    memoryBytes: readMemory(config['memory_size']),
    pageOrder: readPageOrder(config),
    measurement: readMeasurement(config['tdx_measurement']),
  }
}

function readObject(text: string): Json {
  if (text.length > MAX_CONFIG_CHARACTERS) throw invalid(`${text.length} characters`)
  let value: unknown
  try {
    value = parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw invalid(cause.message, cause)
  }
  return asObject(value, 'not an object')
}

function asObject(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what)
  return value as Json
}

interface Kinds {
  readonly boolean: boolean
  readonly string: string
}

/** A member that may be missing or null, as serde writes an absent option. */
function member<Kind extends keyof Kinds>(
  object: Json,
  name: string,
  kind: Kind,
  absent: Kinds[Kind],
): Kinds[Kind] {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  if (value === undefined || value === null) return absent
  if (typeof value !== kind) throw invalid(`${name}: expected a ${kind}`)
  return value as Kinds[Kind]
}

function readHash(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) {
    throw invalid('os_image_hash: expected 32 bytes in lowercase hex')
  }
  return fromBareHex(value)
}

function readMemory(value: unknown): bigint {
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) {
    throw invalid('memory_size: expected bytes')
  }
  if (value > MAX_MEMORY_BYTES || value % 0x1000 !== 0)
    throw unsupported(`${value} bytes of memory`)
  return BigInt(value)
}

/** The member says the opposite of its name: dstack reads true as two passes. */
function readPageOrder(config: Json): PageOrder {
  const version = member(config, 'qemu_version', 'string', DEFAULT_QEMU)
  const [, major] = /^([0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}$/.exec(version) ?? []
  if (major === undefined) throw invalid('qemu_version: expected three numbers')
  if (Number(major) < 8) throw unsupported(`QEMU ${version}`)
  const twoPass = Number(major) < FIRST_SINGLE_PASS_MAJOR
  return member(config, 'qemu_single_pass_add_pages', 'boolean', twoPass)
    ? 'two-pass'
    : 'single-pass'
}

function readMeasurement(value: unknown): EmbeddedMeasurement | undefined {
  if (value === undefined || value === null) return undefined
  const object = asObject(value, 'tdx_measurement: not an object')
  return {
    checksumFile: readBytes(object['checksum_file'], 'checksum_file'),
    document: readBytes(object['measurement'], 'measurement'),
  }
}

function readBytes(value: unknown, name: string): Uint8Array {
  const bytes = typeof value === 'string' ? readBase64(value) : undefined
  if (bytes === undefined) throw invalid(`tdx_measurement.${name}: expected base64`)
  return bytes
}

function invalid(what: string, cause?: unknown): VerifierError {
  return new VerifierError('VM_CONFIG_INVALID', `vm_config: ${what}`, { cause })
}

function unsupported(what: string): VerifierError {
  return new VerifierError('VM_UNSUPPORTED', `vm_config: ${what}`)
}
