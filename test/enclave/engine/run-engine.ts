import type { Engine, GenerateRequest, GenerateResult } from '../../../enclave/src/engine/engine.ts'

/** A whole answer: its pieces as they came, their text, and the counts. */
export interface Answer extends GenerateResult {
  readonly pieces: readonly string[]
  readonly text: string
}

/** Runs a request to its end; `maxTokens` is 100 where the request does not say. */
export async function answer(
  engine: Engine,
  request: Partial<GenerateRequest> & Pick<GenerateRequest, 'messages'>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer> {
  const pieces: string[] = []
  const stream = engine.generate({ maxTokens: 100, ...request }, signal)
  for (;;) {
    const step = await stream.next()
    if (step.done === true) return { ...step.value, pieces, text: pieces.join('') }
    pieces.push(step.value)
  }
}

/** A conversation of one user message. */
export function user(content: string): GenerateRequest['messages'] {
  return [{ role: 'user', content }]
}
