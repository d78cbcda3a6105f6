import { toHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import type { BootImage } from './boot-image.ts'
import { atHighMemoryPlace } from './kernel-header.ts'
import type { MeasurementDocument } from './measurement-document.ts'
import { EMPTY_CFV } from './rtmr0.ts'
import type { TdHobLayout } from './td-hob.ts'

/**
 * Refuses an image whose own measurement document says otherwise than its files: by its hash alone other machines
 * would be accepted than those that run it (attack A5).
 * @throws VerifierError `IMAGE_INVALID`
 */
export function requireSameMeasurement(measured: BootImage, document: MeasurementDocument): void {
  const normalized = measured.kernelMemory === 'any'
  if (document.kernelHeaderNormalized !== normalized) {
    throw differs('kernel_header_normalized', String(normalized), String(!normalized))
  }
  const pairs: readonly (readonly [string, string, string])[] = [
    ['mrtd.single_pass', toHex(measured.mrtd['single-pass']), toHex(document.mrtd['single-pass'])],
    ['mrtd.two_pass', toHex(measured.mrtd['two-pass']), toHex(document.mrtd['two-pass'])],
    ['td_hob', layoutText(measured.tdHob), layoutText(document.tdHob)],
    ['the variable store', toHex(measured.cfvDigest), toHex(EMPTY_CFV)],
    ['cmdline', toHex(measured.cmdlineDigest), toHex(document.cmdlineDigest)],
    ['initrd_sha384', toHex(measured.initrdDigest), toHex(document.initrdDigest)],
  ]
  for (const [member, ofFiles, ofDocument] of pairs) {
    if (ofFiles !== ofDocument) throw differs(member, ofFiles, ofDocument)
  }
  // At other sizes the document states no digest of a kernel that QEMU patches.
  const comparable =
    typeof measured.kernelMemory !== 'bigint' || atHighMemoryPlace(measured.kernelMemory)
  const [ofFiles, ofDocument] = [toHex(measured.kernelDigest), toHex(document.kernelDigest)]
  if (comparable && ofFiles !== ofDocument)
    throw differs('kernel_authenticode', ofFiles, ofDocument)
}

/** Ranges by address: their order has no effect. */
function layoutText({ base, accepted }: TdHobLayout): string {
  const ranges = accepted
    .filter(({ start, end }) => start < end)
    .map(({ start, end }) => `${start.toString(16).padStart(16, '0')}-${end.toString(16)}`)
  return `${base.toString(16)}: ${ranges.toSorted().join(' ')}`
}

function differs(member: string, ofFiles: string, ofDocument: string): VerifierError {
  return new VerifierError(
    'IMAGE_INVALID',
    `measurement document: ${member}: files say ${ofFiles}, document ${ofDocument}`,
  )
}
