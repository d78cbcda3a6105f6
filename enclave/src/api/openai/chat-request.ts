import { z } from 'zod'
import type { TextQuestion } from '../../answer/question.ts'
import { assertServable, servingConstraint } from '../../attestation/aci/serving-constraint.ts'
import type { ChatMessage, ToolChoice } from '../../engine/prompt.ts'
import { NodeError } from '../../http/node-error.ts'
import { joinedText, userContent } from '../content-parts.ts'
import { absent, readBodyAs, text, tokens } from '../json-body.ts'
import { imageNeeds, need } from '../needs.ts'
import type { PromptApi } from '../prompt-api.ts'
import { sharedOptions } from '../options.ts'
import { argumentsText, functionFields, MAX_TOOLS, toolName } from '../tool-schemas.ts'
import { checkTools, toolOf } from '../tools.ts'
import { createChatWriter } from './chat-writer.ts'
import { formOf, responseFormat } from './response-format.ts'
import { metadataField, neutralFields, stopField, streamOptions } from './shared-fields.ts'

const MAX_MESSAGES = 256
const MAX_CHOICES = 8
const MAX_TOP_LOGPROBS = 20

const textPart = z.strictObject({ type: z.literal('text'), text })
const textContent = z.union([text, z.array(textPart).min(1)], 'expected text or text parts')
/** A picture in the request itself: a node fetches nothing (attack E7). */
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().regex(/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/),
    detail: absent(z.literal('auto')),
  }),
})
const toolCall = z.strictObject({
  id: z.string().min(1).max(128),
  type: z.literal('function'),
  function: z.strictObject({ name: toolName, arguments: argumentsText }),
})

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer']), content: textContent }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union(
      [text, z.array(z.discriminatedUnion('type', [textPart, imagePart])).min(1)],
      'expected text, or parts that are text or pictures in data: URLs',
    ),
  }),
  z
    .strictObject({
      role: z.literal('assistant'),
      content: absent(textContent),
      refusal: absent(z.never()),
      tool_calls: absent(z.array(toolCall).min(1).max(MAX_TOOLS)),
    })
    .refine(({ content, tool_calls: calls }) => (content ?? calls ?? null) !== null, {
      path: ['content'],
      message: 'expected text or tool_calls',
    }),
  z.strictObject({
    role: z.literal('tool'),
    content: textContent,
    tool_call_id: z.string().min(1).max(128),
  }),
])

const neutral = { ...neutralFields, modalities: absent(z.tuple([z.literal('text')])) }

/** Body of `POST /v1/chat/completions`. */
const chatBody = z
  .strictObject({
    model: z.string().min(1).max(128),
    messages: z.array(message).min(1).max(MAX_MESSAGES),
    max_tokens: absent(tokens),
    max_completion_tokens: absent(tokens),
    temperature: absent(z.number().min(0).max(2)),
    top_p: absent(z.number().gt(0).max(1)),
    seed: absent(z.number().int()),
    stop: stopField,
    n: absent(z.number().int().min(1).max(MAX_CHOICES)),
    frequency_penalty: absent(z.number().min(-2).max(2)),
    presence_penalty: absent(z.number().min(-2).max(2)),
    logprobs: absent(z.boolean()),
    top_logprobs: absent(z.number().int().min(0).max(MAX_TOP_LOGPROBS)),
    response_format: absent(responseFormat),
    tools: absent(
      z
        .array(
          z.strictObject({ type: z.literal('function'), function: z.strictObject(functionFields) }),
        )
        .max(MAX_TOOLS),
    ),
    tool_choice: absent(
      z.union([
        z.enum(['none', 'auto', 'required']),
        z.strictObject({
          type: z.literal('function'),
          function: z.strictObject({ name: toolName }),
        }),
      ]),
    ),
    parallel_tool_calls: absent(z.boolean()),
    stream: absent(z.boolean()),
    stream_options: streamOptions,
    metadata: metadataField,
    provider: absent(servingConstraint),
    ...neutral,
  })
  .refine(
    ({ max_tokens: old, max_completion_tokens: current }) =>
      (old ?? current ?? 0) === (current ?? old ?? 0),
    { path: ['max_tokens'], message: 'differs from max_completion_tokens' },
  )

/**
 * Reads the body of a chat completion request.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
export function parseChatRequest(body: Uint8Array): TextQuestion {
  const data = readBodyAs(chatBody, body, { ...neutral, metadata: metadataField })
  assertServable(data.provider)
  const { top_logprobs: top, frequency_penalty: frequency, presence_penalty: presence } = data
  const logprobs = data.logprobs ?? false
  if (typeof top === 'number' && !logprobs) {
    throw new NodeError('invalid_request', 'top_logprobs: expected logprobs', 'top_logprobs')
  }
  const messages = data.messages.map(messageOf)
  const tools = (data.tools ?? []).map((tool) => toolOf(tool.function))
  const choice = choiceOf(data.tool_choice)
  checkTools(tools, choice)
  const form = formOf(data.response_format)
  const includeUsage = data.stream_options?.include_usage ?? false
  return {
    kind: 'text',
    model: data.model,
    needs: [
      ...need(tools.length > 0 || messages.some(({ role }) => role === 'tool'), 'tools', 'tools'),
      ...need(form.kind === 'json', 'json', 'response_format'),
      ...need(form.kind === 'schema', 'json_schema', 'response_format'),
      ...need(logprobs, 'logprobs', 'logprobs'),
      ...need((frequency ?? 0) !== 0, 'penalties', 'frequency_penalty'),
      ...need((presence ?? 0) !== 0, 'penalties', 'presence_penalty'),
      ...imageNeeds(messages, 'messages'),
    ],
    prompts: [{ kind: 'chat', messages, tools }],
    choices: data.n ?? 1,
    maxTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
    options: {
      ...sharedOptions(data),
      form,
      toolChoice: choice,
      singleToolCall: data.parallel_tool_calls === false,
      ...(logprobs ? { logprobs: top ?? 0 } : {}),
    },
    stream: data.stream ?? false,
    promptField: 'messages',
    writer: (name) => createChatWriter(name, { includeUsage, logprobs }),
  }
}

/** `POST /v1/chat/completions`. */
export const chatApi: PromptApi = {
  summary: 'OpenAI chat completion',
  schema: chatBody,
  parse: parseChatRequest,
}

function messageOf(message: z.output<typeof chatBody>['messages'][number]): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: joinedText(message.content) }
    case 'tool':
      return {
        role: 'tool',
        content: joinedText(message.content),
        toolCallId: message.tool_call_id,
      }
    case 'assistant': {
      const calls = (message.tool_calls ?? []).map(
        ({ id, function: { name, arguments: args } }) => ({
          id,
          name,
          arguments: args,
        }),
      )
      const content = joinedText(message.content ?? '')
      return { role: 'assistant', content, ...(calls.length === 0 ? {} : { toolCalls: calls }) }
    }
    case 'user':
      return {
        role: 'user',
        content: userContent(
          typeof message.content === 'string'
            ? message.content
            : message.content.map((part) =>
                part.type === 'text' ? part : { type: 'image', url: part.image_url.url },
              ),
        ),
      }
  }
}

function choiceOf(choice: z.output<typeof chatBody>['tool_choice']): ToolChoice {
  if (choice === null || choice === undefined) return 'auto'
  return typeof choice === 'string' ? choice : { name: choice.function.name }
}
