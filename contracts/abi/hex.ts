/** 0x-prefixed hex. */
export type Hex = `0x${string}`
