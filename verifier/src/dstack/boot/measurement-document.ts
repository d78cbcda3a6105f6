import { VerifierError } from '../../errors.ts'
import type { PageOrder } from './mrtd.ts'
import { readMeasurementCbor, type MeasurementValue } from './measurement-cbor.ts'
import { cmdlineDigest } from './rtmr2.ts'
import type { TdHobLayout } from './td-hob.ts'
import { parseTdHobWitness } from './td-hob-witness.ts'

/** What an image says about its own measurement (dstack `measurement.tdx.cbor`, versions 3 and 4). */
export interface MeasurementDocument {
  readonly version: 3 | 4
  /** The command line itself, since version 4. */
  readonly cmdline: string | undefined
  /** The register event of the command line, 48 bytes. */
  readonly cmdlineDigest: Uint8Array
  /** 48 bytes each. */
  readonly kernelDigest: Uint8Array
  readonly initrdDigest: Uint8Array
  /** The firmware restores the kernel's header, so that the kernel digest holds at every memory size. */
  readonly kernelHeaderNormalized: boolean
  readonly mrtd: Readonly<Record<PageOrder, Uint8Array>>
  readonly tdHob: TdHobLayout
}

/** Largest document read (real ones have less than 1 KiB). */
const MAX_DOCUMENT_BYTES = 64 * 1024
const FIRMWARE_LAYOUT = 'pre202505'
/** Binds the root file system to the command line. */
const ROOTFS_HASH = /(?:^| )dstack\.rootfs_hash=[0-9a-f]{64}(?: |$)/

/**
 * Reads a measurement document. Unknown versions, members and firmware layouts are refused.
 * @throws VerifierError `MEASUREMENT_INVALID`, ProtocolError `INPUT_UTF8`
 */
export function parseMeasurementDocument(bytes: Uint8Array): MeasurementDocument {
  if (bytes.length > MAX_DOCUMENT_BYTES) throw invalid(`${bytes.length} bytes`)
  const document = new Members(readMeasurementCbor(bytes), 'document')
  const version = document.take('version')
  const tdvf = new Members(document.take('tdvf'), 'tdvf')
  const mrtd = new Members(tdvf.take('mrtd'), 'mrtd')
  const ovmf = tdvf.text('ovmf')
  if (ovmf !== FIRMWARE_LAYOUT) throw invalid(`tdvf.ovmf: expected ${FIRMWARE_LAYOUT}`)
  const parsed = {
    ...readImage(version, new Members(document.take('image'), 'image')),
    mrtd: { 'single-pass': mrtd.digest('single_pass'), 'two-pass': mrtd.digest('two_pass') },
    tdHob: parseTdHobWitness(tdvf.bytes('td_hob')),
  }
  mrtd.end()
  tdvf.end()
  document.end()
  return parsed
}

type ImagePart = Omit<MeasurementDocument, 'mrtd' | 'tdHob'>

function readImage(version: MeasurementValue, image: Members): ImagePart {
  if (version !== 3 && version !== 4) throw invalid('expected version 3 or 4')
  const common = {
    kernelDigest: image.digest('kernel_authenticode'),
    initrdDigest: image.digest('initrd_sha384'),
  }
  const cmdline = version === 4 ? image.text('cmdline') : undefined
  if (cmdline !== undefined && !ROOTFS_HASH.test(cmdline)) {
    throw invalid('image.cmdline: no dstack.rootfs_hash')
  }
  const part = {
    ...common,
    version,
    cmdline,
    cmdlineDigest: cmdline === undefined ? image.digest('cmdline_sha384') : cmdlineDigest(cmdline),
    kernelHeaderNormalized: version === 4 && image.flag('kernel_header_normalized'),
  } as const
  image.end()
  return part
}

/** Takes each member of a map once and refuses those that nobody took. */
class Members {
  readonly #left: Map<string, MeasurementValue>
  readonly #place: string

  constructor(value: MeasurementValue, place: string) {
    if (!(value instanceof Map)) throw invalid(`${place}: not a map`)
    const map: ReadonlyMap<string, MeasurementValue> = value
    this.#left = new Map(map)
    this.#place = place
  }

  take(name: string): MeasurementValue {
    const value = this.#left.get(name)
    if (value === undefined) throw invalid(`${this.#place}.${name}: missing`)
    this.#left.delete(name)
    return value
  }

  text(name: string): string {
    const value = this.take(name)
    if (typeof value !== 'string') throw invalid(`${this.#place}.${name}: not text`)
    return value
  }

  flag(name: string): boolean {
    const value = this.take(name)
    if (typeof value !== 'boolean') throw invalid(`${this.#place}.${name}: not true or false`)
    return value
  }

  bytes(name: string): Uint8Array {
    const value = this.take(name)
    if (!(value instanceof Uint8Array)) throw invalid(`${this.#place}.${name}: not bytes`)
    return value
  }

  digest(name: string): Uint8Array {
    const value = this.bytes(name)
    if (value.length !== 48) throw invalid(`${this.#place}.${name}: ${value.length} bytes, not 48`)
    return value
  }

  end(): void {
    const [unknown] = this.#left.keys()
    if (unknown !== undefined) throw invalid(`${this.#place}: unknown member`)
  }
}

function invalid(what: string): VerifierError {
  return new VerifierError('MEASUREMENT_INVALID', `measurement document: ${what}`)
}
