import { decodeUtf8, ProtocolError } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { assertServable, servingConstraint } from '../attestation/aci/serving-constraint.ts'
import type { ChatMessage } from '../engine/engine.ts'
import { NodeError } from '../http/node-error.ts'
import { doubledMember } from './doubled-member.ts'

/** A chat completion as this node can make it. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** As asked; undefined leaves the bound to price, fee and context. */
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly seed: number | undefined
  readonly stop: readonly string[]
  readonly stream: boolean
  readonly includeUsage: boolean
}

const MAX_MESSAGES = 256
const MAX_STOPS = 4
const MAX_STOP_CHARACTERS = 256
/** Of a field's name in a refusal; the client chooses some names, and their length. */
const MAX_FIELD_CHARACTERS = 64

/** Null means absent, as OpenAI's clients send it. */
const absent = <Schema extends z.ZodType>(schema: Schema): z.ZodOptional<z.ZodNullable<Schema>> =>
  schema.nullable().optional()

/** An engine would repair half a surrogate pair, and answer another text than was signed. */
const isWhole = (text: string): boolean => text.isWellFormed()
const text = z.string().refine(isWhole, 'expected whole Unicode characters')

const content = z.union(
  [
    text,
    z
      .array(z.strictObject({ type: z.literal('text'), text }))
      .transform((parts) => parts.map(({ text }) => text).join('')),
  ],
  'expected text or text parts',
)

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content,
})

const stopText = text.min(1).max(MAX_STOP_CHARACTERS)
const tokens = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31)

/** Fields that change nothing at the value given; any other value is refused, never ignored. */
const neutral = {
  n: absent(z.literal(1)),
  logprobs: absent(z.literal(false)),
  frequency_penalty: absent(z.literal(0)),
  presence_penalty: absent(z.literal(0)),
  response_format: absent(z.strictObject({ type: z.literal('text') })),
  tools: absent(z.array(z.never())),
  tool_choice: absent(z.enum(['none', 'auto'])),
  store: absent(z.literal(false)),
  user: absent(z.string()),
  metadata: absent(z.record(z.string(), z.string())),
}

const fields = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  max_tokens: absent(tokens),
  max_completion_tokens: absent(tokens),
  temperature: absent(z.number().min(0).max(2)),
  top_p: absent(z.number().gt(0).max(1)),
  seed: absent(z.number().int()),
  stop: absent(z.union([stopText, z.array(stopText).max(MAX_STOPS)])),
  stream: absent(z.boolean()),
  stream_options: absent(z.strictObject({ include_usage: absent(z.boolean()) })),
  provider: absent(servingConstraint),
  ...neutral,
})

const chatRequest = fields.refine(
  ({ max_tokens: old, max_completion_tokens: current }) =>
    (old ?? current ?? 0) === (current ?? old ?? 0),
  { path: ['max_tokens'], message: 'differs from max_completion_tokens' },
)

/**
 * Reads a request body. What the engine cannot do is refused with the field's name.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
export function parseChatRequest(body: Uint8Array): ChatRequest {
  const parsed = chatRequest.safeParse(readJson(body))
  if (!parsed.success) throw refusal(parsed.error)
  const { data } = parsed
  assertServable(data.provider)
  return {
    model: data.model,
    messages: data.messages.map(({ role, content: text }) => ({
      role: role === 'developer' ? 'system' : role,
      content: text,
    })),
    maxTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
    temperature: data.temperature ?? undefined,
    topP: data.top_p ?? undefined,
    seed: data.seed ?? undefined,
    stop: [data.stop ?? []].flat(),
    stream: data.stream ?? false,
    includeUsage: data.stream_options?.include_usage ?? false,
  }
}

function readJson(body: Uint8Array): unknown {
  const [json, value] = decodeJson(body)
  const twice = doubledMember(json)?.slice(0, MAX_FIELD_CHARACTERS)
  if (twice !== undefined) throw new NodeError('invalid_request', `${twice}: given twice`, twice)
  return value
}

/** The text of a body and what it says. */
function decodeJson(body: Uint8Array): readonly [string, unknown] {
  try {
    const json = decodeUtf8(body, 'body')
    return [json, JSON.parse(json)]
  } catch (error) {
    const what = error instanceof ProtocolError ? 'not UTF-8' : 'not JSON'
    throw new NodeError('invalid_request', `body: ${what}`)
  }
}

/** The first problem, by field. Zod's messages name types and limits, not values. */
function refusal(error: z.ZodError): NodeError {
  const issue = error.issues[0]
  if (issue === undefined) return new NodeError('invalid_request', 'body: not a chat completion')
  if (issue.code === 'unrecognized_keys') {
    const field = nameOf([...issue.path, issue.keys[0] ?? ''])
    return new NodeError('unsupported_field', `${field}: not supported by this node`, field)
  }
  const field = nameOf(issue.path)
  const top = String(issue.path[0] ?? '')
  const code = Object.hasOwn(neutral, top) ? 'unsupported_field' : 'invalid_request'
  return new NodeError(code, `${field}: ${issue.message}`, field)
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, MAX_FIELD_CHARACTERS)
}
