import { decodeUtf8, MAX_REQUEST_BYTES, ProtocolError } from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import { BodyTooLarge, readBody } from '../gateway/read-body.ts'

/** A chat completion request: the exact bytes that are signed and sent, and what is needed of them. */
export interface ChatRequest {
  readonly body: Uint8Array<ArrayBuffer>
  readonly model: string
  readonly stream: boolean
  /** Tokens asked for at most, over all choices; undefined when the request sets no limit. */
  readonly maxTokens: number | undefined
}

/** Reads the body of a request. Throws `REQUEST_TOO_LARGE` or `REQUEST_INVALID`; messages hold no content. */
export async function readChatRequest(request: Request): Promise<ChatRequest> {
  const body = await readBytes(request)
  const members = parseObject(body)
  const model = members.get('model')
  if (typeof model !== 'string' || model === '') throw invalid('model', 'a non-empty string')
  return {
    body,
    model,
    stream: readFlag(members, 'stream'),
    maxTokens: readMaxTokens(members),
  }
}

async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBody(request.body, MAX_REQUEST_BYTES)
  } catch (cause) {
    if (!(cause instanceof BodyTooLarge)) throw cause
    throw new SdkError('REQUEST_TOO_LARGE', cause.message, { cause })
  }
}

function parseObject(body: Uint8Array): ReadonlyMap<string, unknown> {
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

/** `max_completion_tokens` or its older name `max_tokens`, times `n` (OpenAI API reference, create chat completion). */
function readMaxTokens(members: ReadonlyMap<string, unknown>): number | undefined {
  const name =
    (members.get('max_completion_tokens') ?? null) === null ? 'max_tokens' : 'max_completion_tokens'
  const limit = members.get(name) ?? undefined
  const choices = members.get('n') ?? 1
  if (!isCount(choices)) throw invalid('n', 'a positive integer')
  if (limit === undefined) return undefined
  if (!isCount(limit)) throw invalid(name, 'a positive integer')
  return limit * choices
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function invalid(member: string, expected: string): SdkError {
  return new SdkError('REQUEST_INVALID', `${member}: expected ${expected}`)
}
