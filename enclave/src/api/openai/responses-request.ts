import { z } from 'zod'
import type { Question } from '../../answer/question.ts'
import { assertServable, servingConstraint } from '../../attestation/aci/serving-constraint.ts'
import type { ChatMessage, ToolChoice } from '../../engine/prompt.ts'
import { joinedText, userContent } from '../content-parts.ts'
import { absent, readBodyAs, text, tokens } from '../json-body.ts'
import { imageNeeds, need } from '../needs.ts'
import type { PromptApi } from '../prompt-api.ts'
import { sharedOptions } from '../options.ts'
import { argumentsText, functionFields, MAX_TOOLS, toolName } from '../tool-schemas.ts'
import { checkTools, toolOf } from '../tools.ts'
import { formOf, namedSchema } from './response-format.ts'
import { createResponsesWriter } from './responses-writer.ts'
import { metadataField, neutralFields } from './shared-fields.ts'

const MAX_ITEMS = 256

const id = z.string().min(1).max(128)
const inputText = z.strictObject({ type: z.literal('input_text'), text })
const inputImage = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string().regex(/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/),
  detail: absent(z.literal('auto')),
})
/** What an answer of this API holds; clients send it back. */
const outputText = z.strictObject({
  type: z.literal('output_text'),
  text,
  annotations: absent(z.array(z.never())),
  logprobs: absent(z.array(z.never())),
})
const status = absent(z.enum(['completed', 'incomplete', 'in_progress']))
const message = z.discriminatedUnion('role', [
  z.strictObject({
    type: absent(z.literal('message')),
    role: z.enum(['system', 'developer']),
    content: z.union([text, z.array(inputText).min(1)], 'expected text or text parts'),
    status,
  }),
  z.strictObject({
    type: absent(z.literal('message')),
    role: z.literal('user'),
    content: z.union(
      [text, z.array(z.discriminatedUnion('type', [inputText, inputImage])).min(1)],
      'expected text, or parts that are text or pictures in data: URLs',
    ),
    status,
  }),
  z.strictObject({
    type: absent(z.literal('message')),
    role: z.literal('assistant'),
    id: absent(id),
    content: z.union([text, z.array(outputText)], 'expected text or text parts'),
    status,
  }),
])
const call = z.strictObject({
  type: z.literal('function_call'),
  id: absent(id),
  call_id: id,
  name: toolName,
  arguments: argumentsText,
  status,
})
const callOutput = z.strictObject({
  type: z.literal('function_call_output'),
  id: absent(id),
  call_id: id,
  output: z.union([text, z.array(inputText).min(1)], 'expected text or text parts'),
  status,
})
const item = z.union([message, call, callOutput], 'expected a message, a call or its output')

const neutral = {
  ...neutralFields,
  background: absent(z.literal(false)),
  include: absent(z.array(z.never())),
  previous_response_id: absent(z.never()),
  truncation: absent(z.literal('disabled')),
  reasoning: absent(z.never()),
  top_logprobs: absent(z.literal(0)),
}

/** Body of `POST /v1/responses`. Nothing is stored, whatever OpenAI's own default is. */
const responsesBody = z.strictObject({
  model: z.string().min(1).max(128),
  input: z.union([text, z.array(item).min(1).max(MAX_ITEMS)], 'expected text or input items'),
  instructions: absent(text),
  max_output_tokens: absent(tokens),
  temperature: absent(z.number().min(0).max(2)),
  top_p: absent(z.number().gt(0).max(1)),
  text: absent(
    z.strictObject({
      format: absent(
        z.discriminatedUnion('type', [
          z.strictObject({ type: z.literal('text') }),
          z.strictObject({ type: z.literal('json_object') }),
          z.strictObject({ type: z.literal('json_schema'), ...namedSchema }),
        ]),
      ),
    }),
  ),
  tools: absent(
    z.array(z.strictObject({ type: z.literal('function'), ...functionFields })).max(MAX_TOOLS),
  ),
  tool_choice: absent(
    z.union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function'), name: toolName }),
    ]),
  ),
  parallel_tool_calls: absent(z.boolean()),
  stream: absent(z.boolean()),
  metadata: metadataField,
  provider: absent(servingConstraint),
  ...neutral,
})

type ResponsesRequest = z.output<typeof responsesBody>

/**
 * Reads the body of a request to the responses API.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
function parseResponsesRequest(body: Uint8Array): Question {
  const data = readBodyAs(responsesBody, body, { ...neutral, metadata: metadataField })
  assertServable(data.provider)
  const messages = messagesOf(data)
  const tools = (data.tools ?? []).map(toolOf)
  const choice = choiceOf(data.tool_choice)
  checkTools(tools, choice)
  const format = data.text?.format
  const form = formOf(
    format?.type === 'json_schema' ? { type: format.type, json_schema: format } : format,
  )
  return {
    kind: 'text',
    model: data.model,
    needs: [
      ...need(tools.length > 0 || messages.some(({ role }) => role === 'tool'), 'tools', 'tools'),
      ...need(form.kind === 'json', 'json', 'text.format'),
      ...need(form.kind === 'schema', 'json_schema', 'text.format'),
      ...imageNeeds(messages, 'input'),
    ],
    prompts: [{ kind: 'chat', messages, tools }],
    choices: 1,
    maxTokens: data.max_output_tokens ?? undefined,
    options: {
      ...sharedOptions(data),
      form,
      toolChoice: choice,
      singleToolCall: data.parallel_tool_calls === false,
    },
    stream: data.stream ?? false,
    promptField: 'input',
    writer: (name) => createResponsesWriter(name, data),
  }
}

/** `POST /v1/responses`. */
export const responsesApi: PromptApi = {
  summary: 'OpenAI response, never stored',
  schema: responsesBody,
  parse: parseResponsesRequest,
}

function messagesOf({ instructions, input }: ResponsesRequest): readonly ChatMessage[] {
  const system: readonly ChatMessage[] =
    typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : []
  if (typeof input === 'string') return [...system, { role: 'user', content: input }]
  return [...system, ...joinCalls(input.map(messageOf))]
}

function messageOf(value: z.output<typeof item>): ChatMessage {
  if ('role' in value) {
    switch (value.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: joinedText(value.content) }
      case 'assistant':
        return { role: 'assistant', content: joinedText(value.content) }
      case 'user':
        return {
          role: 'user',
          content: userContent(
            typeof value.content === 'string'
              ? value.content
              : value.content.map((part) =>
                  part.type === 'input_text'
                    ? { type: 'text', text: part.text }
                    : { type: 'image', url: part.image_url },
                ),
          ),
        }
    }
  }
  if (value.type === 'function_call_output') {
    return { role: 'tool', content: joinedText(value.output), toolCallId: value.call_id }
  }
  const { call_id: callId, name, arguments: args } = value
  return { role: 'assistant', content: '', toolCalls: [{ id: callId, name, arguments: args }] }
}

/** Calls are items of their own here, and stand in the message before them in a conversation. */
function joinCalls(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const joined: ChatMessage[] = []
  for (const one of messages) {
    const last = joined.at(-1)
    const isCall = one.role === 'assistant' && one.toolCalls !== undefined
    if (isCall && last?.role === 'assistant') {
      const toolCalls = [...(last.toolCalls ?? []), ...(one.toolCalls ?? [])]
      joined.splice(-1, 1, { role: 'assistant', content: last.content, toolCalls })
    } else joined.push(one)
  }
  return joined
}

function choiceOf(choice: ResponsesRequest['tool_choice']): ToolChoice {
  if (choice === null || choice === undefined) return 'auto'
  return typeof choice === 'string' ? choice : { name: choice.name }
}
