/** Prices of one immutable price version, wei per million tokens. */
export interface TokenPrice {
  readonly inPerMTok: bigint
  readonly outPerMTok: bigint
}

const TOKENS_PER_PRICE = 1_000_000n

/** Wei for these counts, rounded up (docs/protocol.md §5); InferenceServing computes the same. */
export function feeOf(price: TokenPrice, inputTokens: number, outputTokens: number): bigint {
  const sum = BigInt(inputTokens) * price.inPerMTok + BigInt(outputTokens) * price.outPerMTok
  return (sum + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE
}
