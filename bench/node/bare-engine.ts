import type { Engine } from '../../enclave/src/engine/engine.ts'
import type { StreamFigures } from './orders.ts'

/** What every stream asks; its answer is long enough for a rate. */
export const QUESTION = 'What is remote attestation?'
const MAX_TOKENS = 128

/** So many answers at once, so many times, straight from the engine. */
export async function measureBare(
  engine: Engine,
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
      messages: [{ role: 'user', content: QUESTION }],
    })
    const answer = prompt.generate({ maxTokens: MAX_TOKENS, owner }, new AbortController().signal)
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
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: streams }, () => one('bench')))
  }
  return { tokens, ms: performance.now() - started, cpuMs: processorMs() - cpu, firstPieceMs }
}

/** Time that this process has taken of all processors together, milliseconds. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
