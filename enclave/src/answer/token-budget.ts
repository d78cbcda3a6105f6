import { feeOf } from '@jeju/verifier/protocol'
import type { Price } from '../chain/node-chain.ts'
import { NodeError } from '../http/node-error.ts'

/** What bounds the length of an answer. */
export interface BudgetLimits {
  readonly price: Price
  /** Wei. */
  readonly maxFee: bigint
  /** Tokens of all prompts together, as far as they are known. */
  readonly prompts: { readonly atMost: number }
  /** Tokens of the longest prompt, at least. */
  readonly longestPrompt: number
  readonly contextTokens: number
  /** Answers that are paid for together. */
  readonly answers: number
  /** Tokens asked for, each. */
  readonly asked: number | undefined
}

/**
 * Output tokens each answer may have: what was asked, what the price allows, what the context leaves, and what
 * `maxFee` pays for after the prompts.
 * @throws NodeError `max_fee_too_low` when not even one token each is paid for, `context_length_exceeded`
 */
export function outputBudget(limits: BudgetLimits, promptField = 'messages'): number {
  const { price, maxFee, prompts, longestPrompt, contextTokens, answers, asked } = limits
  const room = contextTokens - longestPrompt
  if (room < 1) {
    throw new NodeError(
      'context_length_exceeded',
      `${promptField}: ${longestPrompt} tokens, the context holds ${contextTokens}`,
      promptField,
    )
  }
  const most = Math.floor(price.maxOutputTokens / answers)
  if (most < 1) {
    const text = `${answers} answers: the price allows ${price.maxOutputTokens} tokens in all`
    throw new NodeError('invalid_request', text, 'n')
  }
  const feeFor = (each: number): bigint => feeOf(price, prompts.atMost, each * answers)
  const wanted = Math.min(asked ?? room, room, most)
  if (feeFor(wanted) <= maxFee) return wanted
  // More than the fee covers: the largest count that is paid for, since the fee grows with the count.
  let paid = 0
  let beyond = wanted
  while (beyond - paid > 1) {
    const middle = Math.floor((paid + beyond) / 2)
    if (feeFor(middle) <= maxFee) paid = middle
    else beyond = middle
  }
  if (paid < 1) throw feeTooLow(feeFor(1), maxFee)
  return paid
}

/** Refuses a fee that does not pay for the prompts alone. */
export function assertPromptPaid(price: Price, maxFee: bigint, promptTokens: number): void {
  const needed = feeOf(price, promptTokens, 0)
  if (needed > maxFee) throw feeTooLow(needed, maxFee)
}

function feeTooLow(needed: bigint, maxFee: bigint): NodeError {
  return new NodeError('max_fee_too_low', `maxFee: expected at least ${needed} wei, got ${maxFee}`)
}
