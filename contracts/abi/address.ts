import type { Hex } from '@jeju/verifier/protocol'

/** Lower case of an address: equal addresses are equal strings. */
export function lowercase(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
