import { feeOf } from '@jeju/verifier/protocol'
import type { Price } from '../chain/node-chain.ts'
import { NodeError } from '../http/node-error.ts'

/**
 * Output tokens a request may have: what was asked, what the price allows, what the context leaves, and what
 * `maxFee` pays for after the prompt.
 * @throws NodeError `max_fee_too_low` when not even one token is paid for, `context_length_exceeded`
 */
export function outputBudget(
  price: Price,
  maxFee: bigint,
  promptTokens: number,
  contextTokens: number,
  asked: number | undefined,
): number {
  const room = contextTokens - promptTokens
  if (room < 1) {
    throw new NodeError(
      'context_length_exceeded',
      `messages: ${promptTokens} tokens, the context holds ${contextTokens}`,
      'messages',
    )
  }
  const wanted = Math.min(asked ?? room, room, price.maxOutputTokens)
  if (feeOf(price, promptTokens, wanted) <= maxFee) return wanted
  // More than the fee covers: the largest count that is paid for, since the fee grows with the count.
  let paid = 0
  let beyond = wanted
  while (beyond - paid > 1) {
    const middle = Math.floor((paid + beyond) / 2)
    if (feeOf(price, promptTokens, middle) <= maxFee) paid = middle
    else beyond = middle
  }
  if (paid < 1) {
    const needed = feeOf(price, promptTokens, 1)
    throw new NodeError('max_fee_too_low', `maxFee: expected at least ${needed} wei, got ${maxFee}`)
  }
  return paid
}
