import fc from 'fast-check'
import { feeOf } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { outputBudget } from '../../enclave/src/chat/token-budget.ts'
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
})

describe('the output budget', () => {
  test('is within every bound, is paid for, and one more token would break a bound', () => {
    fc.assert(
      fc.property(setting, ({ price, maxFee, promptTokens, contextTokens, asked }) => {
        const bounds = Math.min(
          asked ?? Infinity,
          price.maxOutputTokens,
          contextTokens - promptTokens,
        )
        let budget: number
        try {
          budget = outputBudget(price, maxFee, promptTokens, contextTokens, asked)
        } catch (error) {
          if (!(error instanceof NodeError)) throw error
          if (error.code === 'context_length_exceeded') expect(bounds).toBeLessThan(1)
          else expect(feeOf(price, promptTokens, 1)).toBeGreaterThan(maxFee)
          return
        }
        expect(budget).toBeGreaterThanOrEqual(1)
        expect(budget).toBeLessThanOrEqual(bounds)
        expect(feeOf(price, promptTokens, budget)).toBeLessThanOrEqual(maxFee)
        if (budget < bounds) {
          expect(feeOf(price, promptTokens, budget + 1)).toBeGreaterThan(maxFee)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
