import type { Need } from '../answer/question.ts'
import type { EngineFeature } from '../engine/engine.ts'
import type { ChatMessage } from '../engine/prompt.ts'

/** A need, where the request has it. */
export function need(asked: boolean, feature: EngineFeature, field: string): readonly Need[] {
  return asked ? [{ feature, field }] : []
}

/** The first picture of a conversation. */
export function imageNeeds(messages: readonly ChatMessage[], field: string): readonly Need[] {
  const message = messages.findIndex(
    ({ content }) => Array.isArray(content) && content.some(({ type }) => type === 'image'),
  )
  return need(message >= 0, 'images', `${field}.${message}.content`)
}
