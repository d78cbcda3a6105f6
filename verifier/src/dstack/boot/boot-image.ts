import { equalBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { parseChecksums, requireListed } from './checksum-file.ts'
import { parseMeasurementDocument } from './measurement-document.ts'
import type { PageOrder } from './mrtd.ts'
import { EMPTY_CFV } from './rtmr0.ts'
import type { TdHobLayout } from './td-hob.ts'
import type { VmConfig } from './vm-config.ts'

/** What an operating system image puts into MRTD and RTMR0 to 2. Digests of 48 bytes. */
export interface BootImage {
  readonly from: 'measurement document' | 'image files'
  /** SHA-256 of the image's `sha256sum.txt`: whoever accepts it accepts everything below. */
  readonly osImageHash: Uint8Array
  /** Undefined where only a document speaks: it does not say whether the image is for development. */
  readonly development: boolean | undefined
  readonly mrtd: Readonly<Record<PageOrder, Uint8Array>>
  readonly tdHob: TdHobLayout
  /** Of the firmware's variable store. */
  readonly cfvDigest: Uint8Array
  readonly kernelDigest: Uint8Array
  /** Memory sizes at which the kernel digest holds: every one, those of 2 GiB or from 2816 MiB on, or one in bytes. */
  readonly kernelMemory: 'any' | 'high' | bigint
  readonly cmdlineDigest: Uint8Array
  readonly initrdDigest: Uint8Array
}

/** Name of the measurement document among an image's files. */
export const DOCUMENT_NAME = 'measurement.tdx.cbor'

/**
 * The image that a vm_config carries the measurement of (dstack lite attestation). Nothing in it is trusted: the
 * list of files must hash to the image hash, and the document must be the listed one. Undefined where none is carried.
 * @throws VerifierError `IMAGE_INVALID`, `MEASUREMENT_INVALID`, ProtocolError `INPUT_UTF8`
 */
export function embeddedBootImage({ osImageHash, measurement }: VmConfig): BootImage | undefined {
  if (measurement === undefined) return undefined
  const hash = sha256(measurement.checksumFile)
  if (!equalBytes(hash, osImageHash)) {
    throw new VerifierError(
      'IMAGE_INVALID',
      `sha256sum.txt: expected ${toHex(osImageHash)}, is ${toHex(hash)}`,
    )
  }
  requireListed(parseChecksums(measurement.checksumFile), DOCUMENT_NAME, measurement.document)
  const document = parseMeasurementDocument(measurement.document)
  return {
    from: 'measurement document',
    osImageHash,
    development: undefined,
    mrtd: document.mrtd,
    tdHob: document.tdHob,
    cfvDigest: EMPTY_CFV,
    kernelDigest: document.kernelDigest,
    kernelMemory: document.kernelHeaderNormalized ? 'any' : 'high',
    cmdlineDigest: document.cmdlineDigest,
    initrdDigest: document.initrdDigest,
  }
}
