import { randomInt } from 'node:crypto'
import { EngineError } from './engine-error.ts'
import type { GenerateRequest } from './engine.ts'
import type { Sampling } from './llama-slot.ts'

const SEEDS = 2 ** 32
const MAX_TEMPERATURE = 2

/**
 * Refuses a request that an engine cannot mean: the route clamps what clients send, and a bound that is
 * missing, NaN or negative here would be an answer without end.
 *
 * @throws {EngineError} `ENGINE_FAILED`
 */
export function checkRequest(request: GenerateRequest): void {
  ensure(
    Number.isSafeInteger(request.maxTokens) && request.maxTokens >= 1,
    'maxTokens: expected a whole number from 1',
  )
  for (const stop of request.stop ?? []) {
    ensure(stop !== '' && stop.isWellFormed(), 'stop: expected non-empty Unicode strings')
  }
}

/**
 * The sampling of a request with its defaults.
 *
 * @throws {EngineError} `ENGINE_FAILED`
 */
export function samplingOf(request: GenerateRequest): Sampling {
  const { temperature = 0, topP = 1, seed = randomInt(SEEDS) } = request
  ensure(
    temperature >= 0 && temperature <= MAX_TEMPERATURE,
    `temperature: expected 0 to ${MAX_TEMPERATURE}`,
  )
  ensure(topP > 0 && topP <= 1, 'topP: expected more than 0, at most 1')
  ensure(Number.isSafeInteger(seed), 'seed: expected a whole number')
  return { temperature, topP, seed: ((seed % SEEDS) + SEEDS) % SEEDS }
}

function ensure(condition: boolean, text: string): void {
  if (!condition) throw new EngineError('ENGINE_FAILED', text)
}
