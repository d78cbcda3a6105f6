import type { Engine } from '../../enclave/src/engine/engine.ts'
import type { AnswerLength, StreamFigures } from './orders.ts'

/** What a stream asks, and the most it takes. */
export interface StreamQuestion {
  readonly content: string
  readonly maxTokens: number
}

/**
 * By the length of the answer. The embedded model ends most of its answers after a sentence, of 37 tokens here; what it does
 * not understand it answers without an end.
 */
export const QUESTIONS: Readonly<Record<AnswerLength, StreamQuestion>> = {
  short: { content: 'What is remote attestation?', maxTokens: 128 },
  middle: { content: 'What is remote attestation?', maxTokens: 96 },
  long: { content: 'x'.repeat(100), maxTokens: 384 },
}

/** So many clients at once, each of which asks so many times, one after the other, straight from the engine. */
export async function measureBare(
  engine: Engine,
  { content, maxTokens }: StreamQuestion,
  streams: number,
  rounds: number,
): Promise<StreamFigures> {
  const firstPieceMs: number[] = []
  let tokens = 0
  const one = async (owner: string): Promise<void> => {
    const started = performance.now()
    const prompt = await engine.prepare({
      kind: 'chat',
      tools: [],
      messages: [{ role: 'user', content }],
    })
    const answer = prompt.generate({ maxTokens, owner }, new AbortController().signal)
    let isFirst = true
    for (let step = await answer.next(); ; step = await answer.next()) {
      if (isFirst) firstPieceMs.push(performance.now() - started)
      isFirst = false
      if (step.done !== true) continue
      tokens += step.value.outputTokens
      return
    }
  }
  const [started, cpu] = [performance.now(), processorMs()]
  const client = async (): Promise<void> => {
    for (let round = 0; round < rounds; round++) await one('bench')
  }
  await Promise.all(Array.from({ length: streams }, client))
  return { tokens, ms: performance.now() - started, cpuMs: processorMs() - cpu, firstPieceMs }
}

/** Time that this process has taken of all processors together, milliseconds. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
