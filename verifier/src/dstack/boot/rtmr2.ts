import { concatBytes } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'
import { measuredRegister, utf16Le } from './measured-register.ts'

/** Digest of a kernel command line as the kernel's EFI stub measures it: QEMU's addition and a NUL behind it. */
export function cmdlineDigest(cmdline: string): Uint8Array {
  return sha384(concatBytes(utf16Le(`${cmdline} initrd=initrd`), new Uint8Array(2)))
}

/** RTMR2, 48 bytes: command line and initial RAM disk. */
export function computeRtmr2(cmdline: Uint8Array, initrd: Uint8Array): Uint8Array {
  return measuredRegister([cmdline, initrd])
}
