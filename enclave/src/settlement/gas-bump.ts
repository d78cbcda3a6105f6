import type { GasFees } from '../chain/settlement-chain.ts'

/** Nodes take a replacement that offers a tenth more of both (geth, `txpool.pricebump`); an eighth is on the safe side. */
const BUMP_NUMERATOR = 9n
const BUMP_DENOMINATOR = 8n

/** Terms of the transaction that takes the place of one that got stuck: enough more than before, and what is asked now. */
export function bumped(before: GasFees, now: GasFees): GasFees {
  return {
    maxFeePerGas: larger(raised(before.maxFeePerGas), now.maxFeePerGas),
    maxPriorityFeePerGas: larger(raised(before.maxPriorityFeePerGas), now.maxPriorityFeePerGas),
  }
}

function raised(wei: bigint): bigint {
  return (wei * BUMP_NUMERATOR + BUMP_DENOMINATOR - 1n) / BUMP_DENOMINATOR + 1n
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
