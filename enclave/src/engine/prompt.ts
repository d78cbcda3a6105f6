import type { JsonValue } from '@jeju/verifier/protocol'

/** A part of a user's message. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  /** A `data:` URL: an engine fetches nothing. */
  | { readonly type: 'image'; readonly url: string }

/** A call that the model made earlier in a conversation. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text of an object. */
  readonly arguments: string
}

/** One message of a conversation. `content` is data: nothing in it acts as a control token. */
export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly ContentPart[] }
  | {
      readonly role: 'assistant'
      readonly content: string
      readonly toolCalls?: readonly ToolCall[]
    }
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string }

/** An object of JSON. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** A function that the model may call. */
export interface Tool {
  readonly name: string
  readonly description?: string
  /** JSON schema of its arguments. */
  readonly parameters?: JsonObject
  /** The arguments must follow the schema. */
  readonly strict?: boolean
}

/** Which tools are to be called: as the model likes, none, at least one, or this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string }

/** What an answer continues. */
export type Prompt =
  | {
      readonly kind: 'chat'
      readonly messages: readonly ChatMessage[]
      readonly tools: readonly Tool[]
    }
  /** Bare text, without a template. */
  | { readonly kind: 'text'; readonly text: string }

/** Form that an answer's text must have. */
export type AnswerForm =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly name: string; readonly schema: JsonObject }
