import { concatBytes } from '../../bytes/bytes.ts'
import { fromBareHex } from '../../bytes/hex.ts'

/** The 16 bytes of a GUID as UEFI stores it: the first three groups little-endian (UEFI 2.10, Appendix A). */
export function guidBytes(text: string): Uint8Array {
  const groups = text.split('-').map((group) => fromBareHex(group))
  return concatBytes(...groups.map((group, index) => (index < 3 ? group.toReversed() : group)))
}
