import type { JsonValue } from '@jeju/verifier/protocol'
import type {
  AnswerName,
  AnswerWriter,
  FinishedAnswer,
  FinishedChoice,
} from '../../answer/answer-writer.ts'
import type { AnswerPart } from '../../engine/engine.ts'
import { namedEvent } from '../named-events.ts'
import {
  callItem,
  isComplete,
  messageItem,
  outputItems,
  responsesUsage,
  textPart,
  type Item,
} from './responses-items.ts'

/** What of a request its answer repeats. */
export interface RepeatedFields {
  readonly instructions?: string | null | undefined
  readonly max_output_tokens?: number | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  readonly parallel_tool_calls?: boolean | null | undefined
  readonly temperature?: number | null | undefined
  readonly text?: { readonly format?: unknown } | null | undefined
  readonly tool_choice?: unknown
  readonly tools?: unknown
  readonly top_p?: number | null | undefined
}

/** `response` documents, and the events of their stream. */
export function createResponsesWriter(name: AnswerName, request: RepeatedFields): AnswerWriter {
  const id = `resp_${name.id}`
  const idOf = (kind: 'msg' | 'fc', index: number): string => `${kind}_${name.id}${index}`
  const document = (members: Item): Item => ({ ...responseDocument(id, name, request), ...members })
  const events = new EventWriter(idOf)
  const isWhole = ({ choices }: FinishedAnswer): boolean =>
    choices.every(({ end }) => isComplete(end))
  const finished = (answer: FinishedAnswer): Item => {
    const complete = isWhole(answer)
    const output = answer.choices.flatMap((choice) => outputItems(choice, idOf))
    return document({
      status: complete ? 'completed' : 'incomplete',
      incomplete_details: complete ? null : { reason: 'max_output_tokens' },
      output,
      usage: responsesUsage(answer.usage),
    })
  }
  return {
    kind: 'responses',
    id,
    whole: (answer) => JSON.stringify(finished(answer)),
    opening: () => {
      const response = document({
        status: 'in_progress',
        incomplete_details: null,
        output: [],
        usage: null,
      })
      return (
        events.event('response.created', { response }) +
        events.event('response.in_progress', { response })
      )
    },
    part: (_, part) => events.part(part),
    ended: (_, choice) => events.close(isComplete(choice.end)),
    closing: (answer) =>
      events.event(isWhole(answer) ? 'response.completed' : 'response.incomplete', {
        response: finished(answer),
      }),
  }
}

/** What the API repeats of a request, and says of every answer. */
function responseDocument(id: string, name: AnswerName, request: RepeatedFields): Item {
  return {
    id,
    object: 'response',
    created_at: name.created,
    model: name.model,
    error: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    store: false,
    temperature: request.temperature ?? null,
    text: { format: asJson(request.text?.format ?? { type: 'text' }) },
    tool_choice: asJson(request.tool_choice ?? 'auto'),
    tools: asJson(request.tools ?? []),
    top_p: request.top_p ?? null,
    truncation: 'disabled',
  }
}

/** Values that came as JSON, without members that are undefined. */
function asJson(value: unknown): JsonValue {
  const json: JsonValue = JSON.parse(JSON.stringify(value))
  return json
}

type Open =
  | { readonly type: 'message'; readonly id: string; text: string }
  | {
      readonly type: 'call'
      readonly id: string
      readonly call: FinishedChoice['toolCalls'][number]
      text: string
    }

/** Writes items as they grow. One is open at a time; the next one closes it. */
class EventWriter {
  readonly #idOf: (kind: 'msg' | 'fc', index: number) => string
  #sequence = 0
  #index = -1
  #open: Open | undefined

  constructor(idOf: (kind: 'msg' | 'fc', index: number) => string) {
    this.#idOf = idOf
  }

  event(type: string, members: Item): string {
    return namedEvent(type, { sequence_number: this.#sequence++, ...members })
  }

  part(part: AnswerPart): string {
    switch (part.type) {
      case 'text':
        return this.#text(part.text)
      case 'tool_call':
        return this.#call({ id: part.id, name: part.name, arguments: '' })
      case 'tool_arguments': {
        const open = this.#open
        if (open?.type !== 'call') return ''
        open.text += part.text
        return this.event('response.function_call_arguments.delta', {
          ...this.#place(open),
          delta: part.text,
        })
      }
    }
  }

  /** Ends the open item. */
  close(isWhole: boolean): string {
    const open = this.#open
    if (open === undefined) return ''
    this.#open = undefined
    const place = this.#place(open)
    if (open.type === 'call') {
      const item = callItem(open.id, 'completed', { ...open.call, arguments: open.text })
      return (
        this.event('response.function_call_arguments.done', {
          ...place,
          name: open.call.name,
          arguments: open.text,
        }) + this.event('response.output_item.done', { output_index: this.#index, item })
      )
    }
    const content = { ...place, content_index: 0 }
    const part = textPart(open.text)
    const item = messageItem(open.id, isWhole ? 'completed' : 'incomplete', [part])
    return (
      this.event('response.output_text.done', { ...content, text: open.text, logprobs: [] }) +
      this.event('response.content_part.done', { ...content, part }) +
      this.event('response.output_item.done', { output_index: this.#index, item })
    )
  }

  #text(text: string): string {
    let frames = ''
    if (this.#open?.type !== 'message') {
      frames = this.close(true)
      const id = this.#idOf('msg', ++this.#index)
      const open: Open = { type: 'message', id, text: '' }
      this.#open = open
      const item = messageItem(id, 'in_progress', [])
      const part = { ...this.#place(open), content_index: 0, part: textPart('') }
      frames += this.event('response.output_item.added', { output_index: this.#index, item })
      frames += this.event('response.content_part.added', part)
    }
    const open = this.#open
    if (open === undefined) return frames
    open.text += text
    const delta = { ...this.#place(open), content_index: 0, delta: text, logprobs: [] }
    return frames + this.event('response.output_text.delta', delta)
  }

  #call(call: FinishedChoice['toolCalls'][number]): string {
    const frames = this.close(true)
    const id = this.#idOf('fc', ++this.#index)
    this.#open = { type: 'call', id, call, text: '' }
    const item = callItem(id, 'in_progress', call)
    return frames + this.event('response.output_item.added', { output_index: this.#index, item })
  }

  #place({ id }: Open): Item {
    return { item_id: id, output_index: this.#index }
  }
}
