/** Whether the chain is Anvil's or Hardhat's: everything is on this machine there, and loopback addresses are meant. */
export function isDevelopmentChain(chainId: number): boolean {
  return chainId === 31_337
}
