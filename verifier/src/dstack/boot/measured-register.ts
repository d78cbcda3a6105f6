import { concatBytes } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'

/** An RTMR after these event digests, 48 bytes (Intel TDX module: RTMR = SHA-384(RTMR ‖ digest), from zero). */
export function measuredRegister(digests: readonly Uint8Array[]): Uint8Array {
  return digests.reduce(
    (register, digest) => sha384(concatBytes(register, digest)),
    new Uint8Array(48),
  )
}

/** UTF-16LE, as UEFI writes text. */
export function utf16Le(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let index = 0; index < text.length; index++) {
    view.setUint16(index * 2, text.charCodeAt(index), true)
  }
  return bytes
}
