import { parseAbi, type PublicClient } from 'viem'

/** OP Stack's GasPriceOracle, at its place on every chain of that kind, Base among them. */
const GAS_PRICE_ORACLE = '0x420000000000000000000000000000000000000F'
const ORACLE_ABI = parseAbi([
  'function getL1FeeUpperBound(uint256 unsignedTxSize) view returns (uint256)',
])

/**
 * What a transaction of that many unsigned bytes pays at most for its place in Ethereum's blocks, wei: OP Stack takes it
 * beside the gas (Fjord, `getL1FeeUpperBound`). 0 where the chain has no such oracle.
 */
export async function dataFeeOf(client: PublicClient, bytes: number): Promise<bigint> {
  const code = await client.getCode({ address: GAS_PRICE_ORACLE })
  if (code === undefined) return 0n
  return client.readContract({
    address: GAS_PRICE_ORACLE,
    abi: ORACLE_ABI,
    functionName: 'getL1FeeUpperBound',
    args: [BigInt(bytes)],
  })
}
