import { parseAbi, size, type PublicClient } from 'viem'
import type { Hex } from '../abi/index.ts'

/** What a transaction would cost now. */
export interface Cost {
  /** Execution and calldata, in gas. */
  readonly gas: bigint
  /** Everything together, in wei; at the highest price that it would be sent with. */
  readonly wei: bigint
  /** Of that, what a rollup asks for publishing the data. */
  readonly dataWei: bigint
}

/** Rollups whose data fee is asked of a predeployed oracle (OP Stack, Fjord): Base and Base Sepolia. */
const WITH_DATA_FEE: readonly number[] = [8453, 84_532]
const GAS_PRICE_ORACLE: Hex = '0x420000000000000000000000000000000000000F'
const oracleAbi = parseAbi(['function getL1FeeUpperBound(uint256) view returns (uint256)'])
/** Bytes of a signed transaction beside its data. */
const ENVELOPE_BYTES = 150

/** Estimates a call in the newest block. Throws viem's errors, with the revert's data where a contract refuses. */
export async function priceOf(
  reader: PublicClient,
  account: Hex,
  { to, data }: { readonly to: Hex; readonly data: Hex },
): Promise<Cost> {
  const [gas, chainId, price] = await Promise.all([
    reader.estimateGas({ account, to, data }),
    reader.getChainId(),
    reader.estimateFeesPerGas(),
  ])
  const dataWei = WITH_DATA_FEE.includes(chainId)
    ? await reader.readContract({
        address: GAS_PRICE_ORACLE,
        abi: oracleAbi,
        functionName: 'getL1FeeUpperBound',
        args: [BigInt(size(data) + ENVELOPE_BYTES)],
      })
    : 0n
  return { gas, wei: gas * price.maxFeePerGas + dataWei, dataWei }
}
