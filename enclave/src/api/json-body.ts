import { decodeUtf8, ProtocolError } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { NodeError } from '../http/node-error.ts'
import { doubledMember } from './doubled-member.ts'

/** Of a field's name in a refusal; the client chooses some names, and their length. */
const MAX_FIELD_CHARACTERS = 64

/** A schema whose value may be left out. */
export type Absent<Schema extends z.ZodType> = z.ZodOptional<z.ZodNullable<Schema>>

/** Null means absent, as OpenAI's clients send it. */
export function absent<Schema extends z.ZodType>(schema: Schema): Absent<Schema> {
  return schema.nullable().optional()
}

/** An engine would repair half a surrogate pair, and answer another text than was signed. */
export const text: z.ZodString = z
  .string()
  .refine((value) => value.isWellFormed(), 'expected whole Unicode characters')

/** A count of tokens that is asked for. */
export const tokens: z.ZodNumber = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31)

/**
 * Reads a request body by its schema. `neutral` names the fields that are taken only at the value that changes
 * nothing: another value asks for an effect this node does not have.
 *
 * @throws NodeError `invalid_request`, `unsupported_field`
 */
export function readBodyAs<Schema extends z.ZodType>(
  schema: Schema,
  body: Uint8Array,
  neutral: object,
): z.output<Schema> {
  const parsed = schema.safeParse(readJson(body))
  if (!parsed.success) throw refusal(parsed.error, neutral)
  return parsed.data
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
function refusal(error: z.ZodError, neutral: object): NodeError {
  const issue = error.issues[0]
  if (issue === undefined) return new NodeError('invalid_request', 'body: not such a request')
  if (issue.code === 'unrecognized_keys') {
    const field = nameOf([...issue.path, issue.keys[0] ?? ''])
    return new NodeError('unsupported_field', `${field}: not supported by this node`, field)
  }
  const field = nameOf(issue.path)
  const top = String(issue.path[0] ?? '')
  const code = Object.hasOwn(neutral, top) ? 'unsupported_field' : 'invalid_request'
  return new NodeError(code, `${field || 'body'}: ${issue.message}`, field || undefined)
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, MAX_FIELD_CHARACTERS)
}
