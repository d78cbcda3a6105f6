import type { AnswerPart, GenerateResult, TokenLogprob } from '../engine/engine.ts'
import type { FinishedAnswer, FinishedChoice, Usage } from './answer-writer.ts'

interface Call {
  readonly id: string
  readonly name: string
  arguments: string
}

/** Collects one answer as its parts are handed out. */
class ChoiceRecord {
  #text = ''
  readonly #calls: Call[] = []
  readonly #logprobs: TokenLogprob[] = []
  handedOut = 0
  end: GenerateResult | undefined

  add(part: AnswerPart): void {
    this.handedOut += part.tokens
    switch (part.type) {
      case 'text':
        this.#text += part.text
        this.#logprobs.push(...(part.logprobs ?? []))
        break
      case 'tool_call':
        this.#calls.push({ id: part.id, name: part.name, arguments: '' })
        break
      case 'tool_arguments': {
        const call = this.#calls[part.index]
        if (call !== undefined) call.arguments += part.text
        break
      }
    }
  }

  finished(end: GenerateResult): FinishedChoice {
    return { text: this.#text, toolCalls: this.#calls, logprobs: this.#logprobs, end }
  }
}

/** Collects everything that is answered to one request. */
export class AnswerRecord {
  readonly #perPrompt: number
  readonly #choices: readonly ChoiceRecord[]

  /** `perPrompt` answers are given to each prompt, in order. */
  constructor(answers: number, perPrompt: number) {
    this.#perPrompt = perPrompt
    this.#choices = Array.from({ length: answers }, () => new ChoiceRecord())
  }

  /** Choices whose end is not known. */
  get running(): number {
    return this.#choices.filter(({ end }) => end === undefined).length
  }

  /** A part is going out. */
  add(choice: number, part: AnswerPart): void {
    this.#at(choice).add(part)
  }

  /** A choice is over. */
  end(choice: number, end: GenerateResult): FinishedChoice {
    const record = this.#at(choice)
    record.end = end
    return record.finished(end)
  }

  finished(): FinishedAnswer {
    return {
      choices: this.#choices.map((record) => record.finished(record.end ?? NOTHING)),
      usage: this.usage(),
    }
  }

  /** Each prompt counts once. Of an answer that was aborted only what was handed out counts. */
  usage(): Usage {
    const ends = this.#choices.map(({ end = NOTHING, handedOut }) =>
      end.finish === 'aborted'
        ? { ...end, outputTokens: Math.min(end.outputTokens, handedOut) }
        : end,
    )
    const usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 }
    for (let at = 0; at < ends.length; at += this.#perPrompt) {
      const ofPrompt = ends.slice(at, at + this.#perPrompt)
      usage.inputTokens += Math.max(...ofPrompt.map(({ inputTokens }) => inputTokens))
      usage.cachedTokens += ofPrompt[0]?.cachedTokens ?? 0
      usage.outputTokens += ofPrompt.reduce((sum, { outputTokens }) => sum + outputTokens, 0)
    }
    return usage
  }

  /** What the receipt says of all of them: the least complete end (docs/protocol.md §6). */
  finish(): GenerateResult['finish'] {
    const finishes = this.#choices.map(({ end = NOTHING }) => end.finish)
    return FINISHES.find((finish) => finishes.includes(finish)) ?? 'stop'
  }

  #at(choice: number): ChoiceRecord {
    const record = this.#choices[choice]
    if (record === undefined) throw new RangeError(`choice ${choice} of ${this.#choices.length}`)
    return record
  }
}

const FINISHES = ['aborted', 'length', 'tool_calls', 'stop'] as const
const NOTHING: GenerateResult = { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
