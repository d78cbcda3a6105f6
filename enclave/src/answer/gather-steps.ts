import type { AnswerPart, TokenLogprob } from '../engine/engine.ts'
import type { ChoiceStep } from './merge-choices.ts'

type Steps = AsyncGenerator<ChoiceStep, void>
type Result = IteratorResult<ChoiceStep, void>

/**
 * Steps of an answer as they leave: what is made within `intervalMs` of the last group leaves together, pieces of one text
 * as one piece. The first step leaves at once, what ends the answer keeps nothing back, and no step waits longer than
 * that; 0 hands on each by itself. Steps are asked for only while a group is, so that a slow reader still slows the engine.
 */
export async function* gatherSteps(
  first: Result,
  steps: Steps,
  intervalMs: number,
): AsyncGenerator<readonly ChoiceStep[], void> {
  const deadline = new Deadline()
  let asked: Promise<Result> | undefined = Promise.resolve(first)
  let dueMs = -Infinity
  let isOver = false
  let failure: { readonly error: unknown } | undefined
  try {
    while (!isOver && failure === undefined) {
      const group: ChoiceStep[] = []
      deadline.set(dueMs - performance.now())
      try {
        do {
          asked ??= steps.next()
          const step: Result | undefined = await (group.length === 0
            ? asked
            : deadline.before(asked))
          if (step === undefined) break
          asked = undefined
          if (step.done === true) isOver = true
          else add(group, step.value)
        } while (!isOver && !deadline.isOver)
      } catch (error) {
        failure = { error }
      }
      deadline.clear()
      dueMs = performance.now() + intervalMs
      if (group.length > 0) yield group
    }
    // After what was made before it.
    if (failure !== undefined) throw failure.error
  } finally {
    deadline.clear()
    steps.return().catch(() => undefined)
  }
}

/** A time by which a group leaves. */
class Deadline {
  #timer: NodeJS.Timeout | undefined
  #atMs = 0
  #pass = (): void => undefined

  set(inMs: number): void {
    this.#atMs = performance.now() + inMs
  }

  get isOver(): boolean {
    return performance.now() >= this.#atMs
  }

  /** What comes by then, or undefined. One at a time. */
  before<Value>(coming: Promise<Value>): Promise<Value | undefined> {
    this.#timer ??= setTimeout(() => this.#pass(), this.#atMs - performance.now())
    return new Promise((resolve, reject) => {
      this.#pass = () => resolve(undefined)
      coming.then(resolve, reject)
    })
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Appends a step, to the last one of its choice where both are of one text. Choices have no order among each other. */
function add(group: ChoiceStep[], step: ChoiceStep): void {
  const at = group.findLastIndex(({ choice }) => choice === step.choice)
  const last = group[at]
  const joined =
    last !== undefined && 'part' in last && 'part' in step ? join(last.part, step.part) : undefined
  if (joined === undefined) group.push(step)
  else group[at] = { choice: step.choice, part: joined }
}

function join(before: AnswerPart, after: AnswerPart): AnswerPart | undefined {
  const tokens = before.tokens + after.tokens
  if (before.type === 'text' && after.type === 'text') {
    const logprobs = joinLogprobs(before.logprobs, after.logprobs)
    const text = before.text + after.text
    return { type: 'text', text, tokens, ...(logprobs === undefined ? {} : { logprobs }) }
  }
  const areArguments = before.type === 'tool_arguments' && after.type === 'tool_arguments'
  if (!areArguments || before.index !== after.index) return undefined
  return { ...before, text: before.text + after.text, tokens }
}

function joinLogprobs(
  before: readonly TokenLogprob[] | undefined,
  after: readonly TokenLogprob[] | undefined,
): readonly TokenLogprob[] | undefined {
  return before === undefined && after === undefined
    ? undefined
    : [...(before ?? []), ...(after ?? [])]
}
