/**
 * How a stream is written, and where its receipt stands (docs/protocol.md §6): `chat` and `completion` are OpenAI's
 * chunks up to `[DONE]`, `responses` and `messages` are named events up to the one that ends the answer.
 */
export type StreamKind = 'chat' | 'completion' | 'responses' | 'messages'

/** An endpoint that takes a prompt. */
export type PromptPath =
  '/v1/chat/completions' | '/v1/completions' | '/v1/embeddings' | '/v1/responses' | '/v1/messages'

/** How each of them streams; `undefined` where it does not. */
export const PROMPT_ENDPOINTS: Readonly<Record<PromptPath, StreamKind | undefined>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': undefined,
  '/v1/responses': 'responses',
  '/v1/messages': 'messages',
}

/** Whether a path takes a prompt. */
export function isPromptPath(path: string): path is PromptPath {
  return Object.hasOwn(PROMPT_ENDPOINTS, path)
}

/** Events that end a stream's answer. They are covered by the receipt and directly followed by it. */
export const TERMINAL_EVENTS: Readonly<Record<StreamKind, readonly string[]>> = {
  chat: [],
  completion: [],
  responses: ['response.completed', 'response.incomplete'],
  messages: ['message_stop'],
}
