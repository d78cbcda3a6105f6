/** 0x-prefixed hex. */
export type Hex = `0x${string}`

/** Lower case of an address: equal addresses are equal strings. */
export function lowercase(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
