import type { GenerateResult } from './engine.ts'

const LEFT: GenerateResult = { finish: 'aborted', inputTokens: 0, outputTokens: 0 }

/**
 * Ends a generation that nobody asks for more of, so that it lets go of slot and server: a signal wakes only what waits for
 * it, and not what stands at a part that was handed out. One that has ended stays as it is. Not waited for: a step that is
 * under way comes first.
 */
export function leave(generation: AsyncGenerator<unknown, GenerateResult>): void {
  generation.return(LEFT).catch(() => undefined)
}
