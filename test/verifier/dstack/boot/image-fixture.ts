import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { buildFirmware, PAYLOAD, SECTIONS, type SectionRecord } from './firmware-fixture.ts'
import { buildKernel } from './kernel-fixture.ts'

const METADATA = {
  bios: 'ovmf.fd',
  kernel: 'bzImage',
  initrd: 'initramfs.cpio.gz',
  cmdline: 'console=ttyS0',
  is_dev: false,
}
/** What is changed in an image. */
export interface Changes {
  readonly metadata?: object
  readonly sections?: readonly SectionRecord[]
  readonly initrd?: Uint8Array
}

/** Files of an image, with their list. */
export function image(changes: Changes = {}): Map<string, Uint8Array> {
  const { metadata = {}, sections = SECTIONS, initrd = utf8('ram disk') } = changes
  const files = new Map<string, Uint8Array>([
    ['ovmf.fd', buildFirmware({ payload: PAYLOAD, sections })],
    ['bzImage', buildKernel()],
    ['initramfs.cpio.gz', initrd],
    ['metadata.json', utf8(JSON.stringify({ ...METADATA, ...metadata }))],
  ])
  const lines = [...files].map(([name, content]) => `${toBareHex(sha256(content))}  ${name}\n`)
  return files.set('sha256sum.txt', utf8(lines.join('')))
}

/** The image with one file replaced or added, and listed. */
export function withFile(
  name: string,
  content: Uint8Array,
  files = image(),
): Map<string, Uint8Array> {
  files.delete('sha256sum.txt')
  files.set(name, content)
  const lines = [...files].map(([each, bytes]) => `${toBareHex(sha256(bytes))}  ${each}\n`)
  return files.set('sha256sum.txt', utf8(lines.join('')))
}
