import fc from 'fast-check'
import { feeOf } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { outputBudget } from '../../enclave/src/answer/token-budget.ts'
import { NodeError } from '../../enclave/src/http/node-error.ts'

const wei = fc.bigInt({ min: 0n, max: 2n ** 100n })
const setting = fc.record({
  price: fc.record({
    inPerMTok: wei,
    outPerMTok: wei,
    maxOutputTokens: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  }),
  maxFee: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  promptTokens: fc.nat(100_000),
  contextTokens: fc.integer({ min: 1, max: 100_000 }),
  asked: fc.option(fc.integer({ min: 1, max: 2 ** 31 }), { nil: undefined }),
  answers: fc.integer({ min: 1, max: 8 }),
})

describe('the output budget', () => {
  test('is within every bound, is paid for, and one more token would break a bound', () => {
    fc.assert(
      fc.property(setting, ({ price, maxFee, promptTokens, contextTokens, asked, answers }) => {
        const bounds = Math.min(
          asked ?? Infinity,
          Math.floor(price.maxOutputTokens / answers),
          contextTokens - promptTokens,
        )
        let budget: number
        try {
          budget = outputBudget({
            price,
            maxFee,
            prompts: { atMost: promptTokens },
            longestPrompt: promptTokens,
            contextTokens,
            answers,
            asked,
          })
        } catch (error) {
          if (!(error instanceof NodeError)) throw error
          if (error.code === 'max_fee_too_low') {
            expect(feeOf(price, promptTokens, answers)).toBeGreaterThan(maxFee)
          } else expect(bounds).toBeLessThan(1)
          return
        }
        expect(budget).toBeGreaterThanOrEqual(1)
        expect(budget).toBeLessThanOrEqual(bounds)
        expect(feeOf(price, promptTokens, budget * answers)).toBeLessThanOrEqual(maxFee)
        if (budget < bounds) {
          expect(feeOf(price, promptTokens, (budget + 1) * answers)).toBeGreaterThan(maxFee)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
