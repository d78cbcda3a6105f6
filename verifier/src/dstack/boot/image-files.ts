import { decodeUtf8 } from '../../bytes/bytes.ts'
import { sha256, sha384 } from '../../bytes/hash.ts'
import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { VerifierError } from '../../errors.ts'
import { authenticodeDigest } from './authenticode.ts'
import { DOCUMENT_NAME, type BootImage } from './boot-image.ts'
import { parseChecksums, requireListed } from './checksum-file.ts'
import { requireSameMeasurement } from './compare-document.ts'
import { patchedKernel } from './kernel-header.ts'
import { parseMeasurementDocument } from './measurement-document.ts'
import { computeMrtd } from './mrtd.ts'
import { cmdlineDigest } from './rtmr2.ts'
import { tdHobLayout } from './td-hob.ts'
import { parseTdvf, type TdvfSection } from './tdvf.ts'

/** Files of an unpacked image, with the names they have in `sha256sum.txt`. */
export type ImageFiles = ReadonlyMap<string, Uint8Array>

interface Metadata {
  readonly bios: string
  readonly kernel: string
  readonly initrd: string
  readonly cmdline: string
  readonly development: boolean
  readonly headerNormalized: boolean
}

const MAX_METADATA_BYTES = 64 * 1024
const MAX_DEPTH = 8
const CFV_SECTION = 1

/**
 * Measures an image from its files, for a machine of this memory in bytes: every digest is computed here (dstack
 * images of 0.5 and 0.6). Files that are not the listed ones are refused, and a measurement document among them that
 * says otherwise.
 * @throws VerifierError `IMAGE_INVALID`, `FIRMWARE_INVALID`, `KERNEL_INVALID`, `MEASUREMENT_INVALID`, ProtocolError
 * `INPUT_UTF8`
 */
export function measureImageFiles(files: ImageFiles, memoryBytes: bigint): BootImage {
  const checksumFile = fileOf(files, 'sha256sum.txt')
  const sums = parseChecksums(checksumFile)
  const listed = (name: string): Uint8Array => {
    const content = fileOf(files, name)
    requireListed(sums, name, content)
    return content
  }
  const metadata = parseMetadata(listed('metadata.json'))
  const sections = parseTdvf(listed(metadata.bios))
  const tdHob = tdHobLayout(sections)
  if (tdHob === undefined) throw invalid(`${metadata.bios}: not one TD_HOB section`)
  const kernel = listed(metadata.kernel)
  const initrd = listed(metadata.initrd)
  const normalized = metadata.headerNormalized
  const image: BootImage = {
    from: 'image files',
    osImageHash: sha256(checksumFile),
    development: metadata.development,
    mrtd: {
      'single-pass': computeMrtd(sections, 'single-pass'),
      'two-pass': computeMrtd(sections, 'two-pass'),
    },
    tdHob,
    cfvDigest: cfvDigest(sections),
    kernelDigest: authenticodeDigest(
      normalized ? kernel : patchedKernel(kernel, initrd.length, memoryBytes),
    ),
    kernelMemory: normalized ? 'any' : memoryBytes,
    cmdlineDigest: cmdlineDigest(metadata.cmdline),
    initrdDigest: sha384(initrd),
  }
  if (sums.has(DOCUMENT_NAME)) {
    requireSameMeasurement(image, parseMeasurementDocument(listed(DOCUMENT_NAME)))
  }
  return image
}

/** The variable store lies outside MRTD: the firmware measures it itself, into RTMR0. */
function cfvDigest(sections: readonly TdvfSection[]): Uint8Array {
  const [cfv, ...others] = sections.filter(({ type }) => type === CFV_SECTION)
  if (cfv === undefined || others.length > 0) throw invalid('firmware: not one CFV section')
  return sha384(cfv.content)
}

function fileOf(files: ImageFiles, name: string): Uint8Array {
  const content = files.get(name)
  if (content === undefined) throw invalid(`${name}: missing`)
  return content
}

function parseMetadata(bytes: Uint8Array): Metadata {
  if (bytes.length > MAX_METADATA_BYTES) throw invalid(`metadata.json: ${bytes.length} bytes`)
  let value: unknown
  try {
    value = parseStrictJson(decodeUtf8(bytes, 'metadata.json'), { maxDepth: MAX_DEPTH })
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw invalid(`metadata.json: ${cause.message}`, cause)
  }
  if (typeof value !== 'object' || value === null) throw invalid('metadata.json: not an object')
  const members = new Map<string, unknown>(Object.entries(value))
  const text = (name: string): string => {
    const member = members.get(name)
    if (typeof member !== 'string') throw invalid(`metadata.json: ${name} is not text`)
    return member
  }
  const flag = (name: string): boolean => {
    const member = members.get(name)
    if (typeof member !== 'boolean') throw invalid(`metadata.json: ${name} is not true or false`)
    return member
  }
  const layout = members.get('ovmf_variant') ?? 'pre202505'
  if (layout !== 'pre202505') throw invalid('metadata.json: ovmf_variant is not pre202505')
  return {
    bios: text('bios'),
    kernel: text('kernel'),
    initrd: text('initrd'),
    cmdline: text('cmdline'),
    development: flag('is_dev'),
    headerNormalized: members.has('kernel_header_normalized') && flag('kernel_header_normalized'),
  }
}

function invalid(what: string, cause?: unknown): VerifierError {
  return new VerifierError('IMAGE_INVALID', `image: ${what}`, { cause })
}
