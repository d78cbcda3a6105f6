import type { JsonValue } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { absent, text, type Absent } from './json-body.ts'

/** Tools that one request may offer. */
export const MAX_TOOLS = 128

/** Name of a function, as OpenAI and Anthropic have it. */
export const toolName: z.ZodString = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/)

/** Any JSON. */
const json: z.ZodType<JsonValue> = z.json()

/** A JSON schema; read where an engine has to follow it. */
export const jsonSchema: z.ZodType<Readonly<Record<string, JsonValue>>> = z.record(z.string(), json)

/** JSON text of an object: a call's arguments. */
export const argumentsText: z.ZodString = text.refine(isObject, 'expected a JSON object as text')

/** What OpenAI's APIs say of a function. */
export const functionFields: {
  readonly name: z.ZodString
  readonly description: Absent<z.ZodString>
  readonly parameters: Absent<typeof jsonSchema>
  readonly strict: Absent<z.ZodBoolean>
} = {
  name: toolName,
  description: absent(text.max(8192)),
  parameters: absent(jsonSchema),
  strict: absent(z.boolean()),
}

function isObject(value: string): boolean {
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch {
    return false
  }
}
