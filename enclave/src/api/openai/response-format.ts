import { z } from 'zod'
import type { AnswerForm, JsonObject } from '../../engine/prompt.ts'
import { absent, text, type Absent } from '../json-body.ts'
import { jsonSchema, toolName } from '../tool-schemas.ts'

/** A schema with its name. */
export const namedSchema: {
  readonly name: z.ZodString
  readonly description: Absent<z.ZodString>
  readonly schema: typeof jsonSchema
  readonly strict: Absent<z.ZodBoolean>
} = {
  name: toolName,
  description: absent(text.max(8192)),
  schema: jsonSchema,
  strict: absent(z.boolean()),
}

/** A form that OpenAI's APIs name. */
export type ResponseFormat =
  | { readonly type: 'text' | 'json_object' }
  | {
      readonly type: 'json_schema'
      readonly json_schema: { readonly name: string; readonly schema: JsonObject }
    }

/** `response_format` of chat completions. */
export const responseFormat: z.ZodType<ResponseFormat> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({ type: z.literal('json_schema'), json_schema: z.strictObject(namedSchema) }),
])

/** The form it asks for. A schema is followed whether or not `strict` asks for it. */
export function formOf(format: ResponseFormat | null | undefined): AnswerForm {
  switch (format?.type) {
    case undefined:
    case 'text':
      return { kind: 'text' }
    case 'json_object':
      return { kind: 'json' }
    case 'json_schema': {
      const { name, schema } = format.json_schema
      return { kind: 'schema', name, schema }
    }
  }
}
