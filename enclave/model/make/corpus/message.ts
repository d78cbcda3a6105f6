/** One message of a training conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
}

/** A question and its answer. */
export function exchange(user: string, assistant: string): Message[] {
  return [
    { role: 'user', content: user },
    { role: 'assistant', content: assistant },
  ]
}
