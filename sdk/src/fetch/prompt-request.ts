import {
  decodeUtf8,
  MAX_REQUEST_BYTES,
  ProtocolError,
  type PromptPath,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import { BodyTooLarge, readBody } from '../gateway/read-body.ts'

/** A request with a prompt: the exact bytes that are signed and sent, and what is needed of them. */
export interface PromptRequest {
  readonly path: PromptPath
  readonly body: Uint8Array<ArrayBuffer>
  readonly model: string
  readonly stream: boolean
  /** Tokens asked for at most, over all choices; undefined when the request sets no limit. */
  readonly maxTokens: number | undefined
}

/** What a body says of itself. Throws `REQUEST_INVALID`; messages hold no content. */
export function parsePromptRequest(body: Uint8Array<ArrayBuffer>, path: PromptPath): PromptRequest {
  return promptOf(parseMembers(body), body, path)
}

/** The same of a body whose members are read already. */
export function promptOf(
  members: ReadonlyMap<string, unknown>,
  body: Uint8Array<ArrayBuffer>,
  path: PromptPath,
): PromptRequest {
  const model = members.get('model')
  if (typeof model !== 'string' || model === '') throw invalid('model', 'a non-empty string')
  return {
    path,
    body,
    model,
    stream: readFlag(members, 'stream'),
    maxTokens: readMaxTokens(members, path),
  }
}

/** The body of a request. Throws `REQUEST_TOO_LARGE`. */
export async function readPromptBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBody(request.body, MAX_REQUEST_BYTES)
  } catch (cause) {
    if (!(cause instanceof BodyTooLarge)) throw cause
    throw new SdkError('REQUEST_TOO_LARGE', cause.message, { cause })
  }
}

/** Members of a body. Throws `REQUEST_INVALID`. */
export function parseMembers(body: Uint8Array): ReadonlyMap<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(body, 'body'))
  } catch (error) {
    // The parser's own message quotes the prompt.
    if (error instanceof ProtocolError || error instanceof SyntaxError)
      throw invalid('body', 'JSON')
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('body', 'an object')
  }
  return new Map(Object.entries(value))
}

function readFlag(members: ReadonlyMap<string, unknown>, name: string): boolean {
  const value = members.get(name) ?? false
  if (typeof value !== 'boolean') throw invalid(name, 'a boolean')
  return value
}

/** Fields that bound an answer, the first that is given counts (each API's own reference). */
const LIMIT_FIELDS: Readonly<Record<PromptPath, readonly string[]>> = {
  '/v1/chat/completions': ['max_completion_tokens', 'max_tokens'],
  '/v1/completions': ['max_tokens'],
  '/v1/embeddings': [],
  '/v1/responses': ['max_output_tokens'],
  '/v1/messages': ['max_tokens'],
}
/** What a completion request without a limit asks for. */
const DEFAULT_COMPLETION_TOKENS = 16

/** The limit of one answer times their number. */
function readMaxTokens(
  members: ReadonlyMap<string, unknown>,
  path: PromptPath,
): number | undefined {
  if (path === '/v1/embeddings') return 0
  const fields = LIMIT_FIELDS[path]
  const name = fields.find((field) => (members.get(field) ?? null) !== null) ?? ''
  const limit = members.get(name) ?? (path === '/v1/completions' ? DEFAULT_COMPLETION_TOKENS : null)
  const choices = members.get('n') ?? 1
  if (!isCount(choices)) throw invalid('n', 'a positive integer')
  if (limit === null) return undefined
  if (!isCount(limit)) throw invalid(name, 'a positive integer')
  const prompts = members.get('prompt')
  return limit * choices * (Array.isArray(prompts) ? Math.max(1, prompts.length) : 1)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function invalid(member: string, expected: string): SdkError {
  return new SdkError('REQUEST_INVALID', `${member}: expected ${expected}`, { param: member })
}
