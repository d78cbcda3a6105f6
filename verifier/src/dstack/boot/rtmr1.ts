import { utf8 } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'
import { measuredRegister } from './measured-register.ts'

/** RTMR1, 48 bytes: the kernel, by its Authenticode digest, and the firmware's hand-over to it. */
export function computeRtmr1(kernelDigest: Uint8Array): Uint8Array {
  return measuredRegister([
    kernelDigest,
    sha384(utf8('Calling EFI Application from Boot Option')),
    sha384(new Uint8Array(4)), // separator
    sha384(utf8('Exit Boot Services Invocation')),
    sha384(utf8('Exit Boot Services Returned with Success')),
  ])
}
