import { formatEther, parseEther } from 'viem'

/** Wei of a decimal number of ether; undefined for any other text. */
export function weiOf(ether: string): bigint | undefined {
  return /^\d{1,12}(\.\d{1,18})?$/.test(ether) ? parseEther(ether) : undefined
}

/** Ether of wei, as people read it. */
export function etherOf(wei: bigint): string {
  return formatEther(wei)
}
