import { z } from 'zod'
import type { Question } from '../../answer/question.ts'
import { assertServable, servingConstraint } from '../../attestation/aci/serving-constraint.ts'
import type { ChatMessage, ContentPart, ToolChoice } from '../../engine/prompt.ts'
import { NodeError } from '../../http/node-error.ts'
import { joinedText, userContent } from '../content-parts.ts'
import { absent, readBodyAs, text, tokens } from '../json-body.ts'
import { imageNeeds, need } from '../needs.ts'
import type { PromptApi } from '../prompt-api.ts'
import { sharedOptions } from '../options.ts'
import { jsonSchema, MAX_TOOLS, toolName } from '../tool-schemas.ts'
import { checkTools, toolOf } from '../tools.ts'
import { createMessagesWriter } from './messages-writer.ts'

const MAX_MESSAGES = 256
const MAX_STOPS = 4
const MAX_STOP_CHARACTERS = 256

/** Where a client would have a prefix kept; changes no answer, and prefixes are kept for each wallet anyway. */
const cache_control = absent(
  z.strictObject({ type: z.literal('ephemeral'), ttl: absent(z.string()) }),
)
const id = z.string().min(1).max(128)
const textBlock = z.strictObject({
  type: z.literal('text'),
  text,
  cache_control,
  citations: absent(z.array(z.never())),
})
const texts = z.union([text, z.array(textBlock).min(1)], 'expected text or text blocks')
const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.strictObject({
    type: z.literal('base64'),
    media_type: z.enum(['image/png', 'image/jpeg', 'image/webp', 'image/gif']),
    data: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/),
  }),
  cache_control,
})
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id,
  name: toolName,
  input: jsonSchema,
  cache_control,
})
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: id,
  content: absent(texts),
  // The model is told by the content alone.
  is_error: absent(z.literal(false)),
  cache_control,
})

const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('user'),
    content: z.union(
      [text, z.array(z.discriminatedUnion('type', [textBlock, imageBlock, toolResult])).min(1)],
      'expected text, or blocks that are text, base64 pictures or tool results',
    ),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union(
      [text, z.array(z.discriminatedUnion('type', [textBlock, toolUse])).min(1)],
      'expected text, or blocks that are text or tool uses',
    ),
  }),
])

const neutral = {
  metadata: absent(z.strictObject({ user_id: absent(z.string()) })),
  service_tier: absent(z.enum(['auto', 'standard_only'])),
  thinking: absent(z.strictObject({ type: z.literal('disabled') })),
}

const parallel = { disable_parallel_tool_use: absent(z.boolean()) }

/** Body of `POST /v1/messages`. */
const messagesBody = z.strictObject({
  model: z.string().min(1).max(128),
  max_tokens: tokens,
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  system: absent(texts),
  temperature: absent(z.number().min(0).max(1)),
  top_p: absent(z.number().gt(0).max(1)),
  stop_sequences: absent(z.array(text.min(1).max(MAX_STOP_CHARACTERS)).max(MAX_STOPS)),
  stream: absent(z.boolean()),
  tools: absent(
    z
      .array(
        z.strictObject({
          type: absent(z.literal('custom')),
          name: toolName,
          description: absent(text.max(8192)),
          input_schema: jsonSchema,
          cache_control,
        }),
      )
      .max(MAX_TOOLS),
  ),
  tool_choice: absent(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), ...parallel }),
      z.strictObject({ type: z.literal('any'), ...parallel }),
      z.strictObject({ type: z.literal('tool'), name: toolName, ...parallel }),
      z.strictObject({ type: z.literal('none') }),
    ]),
  ),
  provider: absent(servingConstraint),
  ...neutral,
})

type Body = z.output<typeof messagesBody>

/**
 * Reads the body of a request to Anthropic's messages API.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
function parseMessagesRequest(body: Uint8Array): Question {
  const data = readBodyAs(messagesBody, body, neutral)
  assertServable(data.provider)
  // This API would continue that very message, which a chat template cannot.
  if (data.messages.at(-1)?.role === 'assistant') {
    throw new NodeError('unsupported_field', 'messages: the last one must be a user’s', 'messages')
  }
  const messages = [...systemOf(data), ...data.messages.flatMap(messagesOf)]
  const tools = (data.tools ?? []).map(({ name, description, input_schema: parameters }) =>
    toolOf({ name, description, parameters }),
  )
  const choice = choiceOf(data.tool_choice)
  checkTools(tools, choice)
  const single =
    data.tool_choice !== null &&
    data.tool_choice !== undefined &&
    'disable_parallel_tool_use' in data.tool_choice &&
    data.tool_choice.disable_parallel_tool_use === true
  return {
    kind: 'text',
    model: data.model,
    needs: [
      ...need(tools.length > 0 || messages.some(({ role }) => role === 'tool'), 'tools', 'tools'),
      ...imageNeeds(messages, 'messages'),
    ],
    prompts: [{ kind: 'chat', messages, tools }],
    choices: 1,
    maxTokens: data.max_tokens,
    options: {
      ...sharedOptions({ ...data, stop: data.stop_sequences }),
      // Anthropic's default, unlike that of an engine.
      temperature: data.temperature ?? 1,
      toolChoice: choice,
      singleToolCall: single,
    },
    stream: data.stream ?? false,
    promptField: 'messages',
    writer: createMessagesWriter,
  }
}

/** `POST /v1/messages`. */
export const messagesApi: PromptApi = {
  summary: 'Anthropic message',
  schema: messagesBody,
  parse: parseMessagesRequest,
}

function systemOf({ system }: Body): readonly ChatMessage[] {
  return system === null || system === undefined
    ? []
    : [{ role: 'system', content: joinedText(system) }]
}

/** Results stand before what a user says with them, as this API demands it of its own clients. */
function messagesOf({ role, content }: Body['messages'][number]): readonly ChatMessage[] {
  if (role === 'assistant') return [assistantMessage(content)]
  if (typeof content === 'string') return [{ role: 'user', content }]
  const results = content.flatMap((block): ChatMessage[] =>
    block.type === 'tool_result'
      ? [{ role: 'tool', content: joinedText(block.content ?? ''), toolCallId: block.tool_use_id }]
      : [],
  )
  const said = content.flatMap((block): ContentPart[] => {
    if (block.type === 'tool_result') return []
    if (block.type === 'text') return [{ type: 'text', text: block.text }]
    const { media_type: mediaType, data } = block.source
    return [{ type: 'image', url: `data:${mediaType};base64,${data}` }]
  })
  return said.length === 0 ? results : [...results, { role: 'user', content: userContent(said) }]
}

function assistantMessage(
  content: Extract<Body['messages'][number], { role: 'assistant' }>['content'],
): ChatMessage {
  if (typeof content === 'string') return { role: 'assistant', content }
  const calls = content.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }]
      : [],
  )
  const said = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return { role: 'assistant', content: said, ...(calls.length === 0 ? {} : { toolCalls: calls }) }
}

function choiceOf(choice: Body['tool_choice']): ToolChoice {
  switch (choice?.type) {
    case undefined:
    case 'auto':
      return 'auto'
    case 'any':
      return 'required'
    case 'none':
      return 'none'
    case 'tool':
      return { name: choice.name }
  }
}
