import { randomUUID } from 'node:crypto'
import { Template } from '@huggingface/jinja'
import type { JsonValue } from '@jeju/verifier/protocol'
import { EngineError } from './engine-error.ts'
import type { ChatMessage, Prompt, Tool } from './prompt.ts'

/** A stretch of a rendered prompt: what the template wrote may hold control tokens, what others wrote may not. */
export interface PromptSegment {
  readonly text: string
  readonly by: 'template' | 'content'
}

type ChatPrompt = Extract<Prompt, { kind: 'chat' }>

/** A model's chat template. */
export interface ChatTemplate {
  /** Whether it offers tools and writes their calls as {@link TOOL_CALL_START} says. */
  readonly offersTools: boolean
  /**
   * The conversation as the template writes it, up to the beginning of the answer.
   *
   * @throws {EngineError} `PROMPT_REFUSED`, without a cause: what a template says may quote the conversation
   */
  render(prompt: ChatPrompt): readonly PromptSegment[]
}

/** Texts of tokens that are no text; `bos` and `eos` are empty where the vocabulary has none. */
export interface SpecialTokens {
  readonly bos: string
  readonly eos: string
  readonly control: readonly string[]
}

/** How a call of a tool stands in a text; the form of Hermes, Qwen and of the embedded model. */
export const TOOL_CALL_START = '<tool_call>'
/** The end of such a call. */
export const TOOL_CALL_END = '</tool_call>'

/**
 * Reads a Jinja template; the only file that knows the library. The template is given unguessable placeholders in the
 * place of contents, which are put back as plain text afterwards: a `<|im_start|>` that a user writes becomes ordinary
 * characters. Tools and calls are data the template has to write itself, so a control token in them is refused.
 *
 * @throws {EngineError} `MODEL_UNREADABLE`
 */
export function readChatTemplate(source: string, special: SpecialTokens): ChatTemplate {
  const template = compile(source)
  return {
    offersTools: source.includes('tools') && source.includes(TOOL_CALL_START),
    render: ({ messages, tools }) => {
      const contents = new Map<string, string>()
      const hide = (content: string): string => {
        if (content === '') return ''
        const placeholder = `⟦${randomUUID()}⟧`
        contents.set(placeholder, content)
        return placeholder
      }
      const written = [...tools.map(toolValue), ...messages.flatMap(callValues)]
      refuseControlTokens(written, special.control)
      const rendered = renderTemplate(template, {
        messages: messages.map((message) => messageValue(message, hide)),
        ...(tools.length === 0 ? {} : { tools: tools.map(toolValue) }),
        add_generation_prompt: true,
        bos_token: special.bos,
        eos_token: special.eos,
      })
      return segments(rendered, contents)
    },
  }
}

function compile(source: string): Template {
  try {
    return new Template(source)
  } catch {
    throw new EngineError('MODEL_UNREADABLE', 'tokenizer.chat_template: expected Jinja')
  }
}

function renderTemplate(template: Template, values: Record<string, unknown>): string {
  try {
    return template.render(values)
  } catch {
    throw new EngineError('PROMPT_REFUSED', "messages: the model's chat template refuses them")
  }
}

function segments(rendered: string, contents: ReadonlyMap<string, string>): PromptSegment[] {
  const pieces = rendered.split(/(⟦[0-9a-f-]{36}⟧)/)
  const missing = new Set(contents.keys())
  const found = pieces.map((piece): PromptSegment => {
    missing.delete(piece)
    const content = contents.get(piece)
    return content === undefined
      ? { text: piece, by: 'template' }
      : { text: content, by: 'content' }
  })
  // A template that drops a message would answer another conversation than was asked.
  if (missing.size > 0) {
    throw new EngineError('PROMPT_REFUSED', "messages: the model's chat template leaves one out")
  }
  return found.filter(({ text }) => text !== '')
}

function messageValue(message: ChatMessage, hide: (content: string) => string): object {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: hide(message.content) }
    case 'user':
      return { role: 'user', content: hide(textOf(message.content)) }
    case 'tool':
      return { role: 'tool', content: hide(message.content), tool_call_id: message.toolCallId }
    case 'assistant': {
      const calls = callValues(message)
      const content = hide(message.content)
      return { role: 'assistant', content, ...(calls.length === 0 ? {} : { tool_calls: calls }) }
    }
  }
}

function textOf(content: Extract<ChatMessage, { role: 'user' }>['content']): string {
  if (typeof content === 'string') return content
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** Arguments as an object, as templates of the Hugging Face hub expect them. */
function callValues(message: ChatMessage): readonly JsonValue[] {
  if (message.role !== 'assistant') return []
  return (message.toolCalls ?? []).map(({ name, arguments: text }) => ({
    type: 'function',
    function: { name, arguments: parseArguments(text) },
  }))
}

function parseArguments(text: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(text)
    return value
  } catch {
    throw new EngineError('PROMPT_REFUSED', 'messages: arguments of a tool call are not JSON')
  }
}

function toolValue({ name, description, parameters }: Tool): JsonValue {
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  }
}

function refuseControlTokens(values: readonly JsonValue[], controlTokens: readonly string[]): void {
  const text = JSON.stringify(values)
  if (
    controlTokens.some((token) => token !== '' && text.includes(JSON.stringify(token).slice(1, -1)))
  ) {
    throw new EngineError('PROMPT_REFUSED', 'tools: hold a control token of the model')
  }
}
