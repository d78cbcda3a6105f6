import type { ChatMessage, ContentPart } from '../engine/prompt.ts'

type UserContent = Extract<ChatMessage, { role: 'user' }>['content']

/** Text alone is one text. */
export function userContent(content: string | readonly ContentPart[]): UserContent {
  if (typeof content === 'string') return content
  const texts = content.flatMap((part) => (part.type === 'text' ? [part] : []))
  return texts.length === content.length ? joinedText(texts) : content
}

/** The text of parts, one after the other. */
export function joinedText(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
