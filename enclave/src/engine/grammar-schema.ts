import type { JsonValue } from '@jeju/verifier/protocol'
import { EngineError } from './engine-error.ts'
import type { AnswerForm, JsonObject, Tool, ToolChoice } from './prompt.ts'

/** A schema in the dialect that the grammar maker of node-llama-cpp fully honours. */
export type GrammarSchema = JsonObject

const MAX_DEPTH = 16
const MAX_SCHEMAS = 512
const SCALARS: readonly JsonValue[] = ['string', 'number', 'integer', 'boolean', 'null']
const FORMATS: readonly JsonValue[] = ['date-time', 'time', 'date']
/** Say something about the value, and change nothing about what is valid. */
const NOTES: readonly string[] = ['$schema', '$id', 'title', 'description', 'default', 'examples']

/** Any object. */
const ANY_OBJECT: GrammarSchema = { type: 'object', additionalProperties: true }

/** The schema that an answer must follow, or undefined where it may be any text. */
export function schemaOfForm(form: AnswerForm): GrammarSchema | undefined {
  switch (form.kind) {
    case 'text':
      return undefined
    case 'json':
      return ANY_OBJECT
    case 'schema':
      return grammarSchema(form.schema, 'response_format.json_schema.schema')
  }
}

/** The schema of a call that must be made, or undefined where the model may choose to make none. */
export function schemaOfCall(
  tools: readonly Tool[],
  choice: ToolChoice,
): GrammarSchema | undefined {
  if (choice === 'auto' || choice === 'none') return undefined
  const allowed = choice === 'required' ? tools : tools.filter(({ name }) => name === choice.name)
  const calls = allowed.map(({ name, parameters }) => ({
    type: 'object',
    properties: {
      name: { const: name },
      arguments:
        parameters === undefined || Object.keys(parameters).length === 0
          ? ANY_OBJECT
          : grammarSchema(parameters, `tools.${name}.parameters`),
    },
  }))
  if (calls.length === 0) throw new EngineError('FORM_UNSUPPORTED', 'tool_choice: no such tool')
  return calls.length === 1 ? calls[0] : { oneOf: calls }
}

/**
 * Reads a JSON schema. A keyword that the grammar would not honour is refused by its name, since an answer that only
 * seems to follow the schema is worse than none.
 *
 * @throws {EngineError} `FORM_UNSUPPORTED`
 */
export function grammarSchema(schema: JsonValue, place: string): GrammarSchema {
  const reader = { left: MAX_SCHEMAS }
  return read(schema, place, MAX_DEPTH, reader)
}

function read(
  schema: JsonValue,
  place: string,
  depth: number,
  reader: { left: number },
): GrammarSchema {
  const object = asObject(schema, place)
  if (depth === 0 || reader.left-- <= 0) throw refused(place, 'too deep or too large')
  const deeper = (value: JsonValue, name: string): GrammarSchema =>
    read(value, `${place}.${name}`, depth - 1, reader)
  const each = (value: JsonValue | undefined, name: string): JsonObject =>
    Object.fromEntries(
      Object.entries(asObject(value ?? {}, `${place}.${name}`)).map(([key, inner]) => [
        key,
        deeper(inner, `${name}.${key}`),
      ]),
    )
  const definitions = object['$defs'] === undefined ? {} : { $defs: each(object['$defs'], '$defs') }
  const kind = kindOf(object, place)
  allow(object, KEYWORDS[kind], place)
  switch (kind) {
    case '$ref':
      return { $ref: asText(object['$ref'], place), ...definitions }
    case 'const':
    case 'enum':
      return { [kind]: scalars(object[kind], place) }
    case 'anyOf':
      return {
        oneOf: list(object['anyOf'], place).map((one) => deeper(one, 'anyOf')),
        ...definitions,
      }
    case 'object':
      return {
        type: 'object',
        properties: each(object['properties'], 'properties'),
        ...(typeof object['additionalProperties'] === 'object'
          ? { additionalProperties: deeper(object['additionalProperties'], 'additionalProperties') }
          : // An open object is answered with its named members only, unless it names none.
            {
              additionalProperties:
                object['properties'] === undefined && object['additionalProperties'] !== false,
            }),
        ...definitions,
      }
    case 'array':
      return {
        type: 'array',
        ...(object['items'] === undefined ? {} : { items: deeper(object['items'], 'items') }),
        ...(object['prefixItems'] === undefined
          ? {}
          : {
              prefixItems: list(object['prefixItems'], place).map((one) =>
                deeper(one, 'prefixItems'),
              ),
            }),
        ...pick(object, ['minItems', 'maxItems']),
        ...definitions,
      }
    case 'string':
      if (object['format'] !== undefined && !FORMATS.includes(object['format'])) {
        throw refused(`${place}.format`, 'not supported')
      }
      return { type: 'string', ...pick(object, ['minLength', 'maxLength', 'format']) }
    case 'scalar':
      return { type: object['type'] ?? null }
  }
}

const KEYWORDS = {
  $ref: ['$ref', '$defs'],
  const: ['const', 'type'],
  enum: ['enum', 'type'],
  anyOf: ['anyOf', '$defs'],
  object: ['type', 'properties', 'required', 'additionalProperties', '$defs'],
  array: ['type', 'items', 'prefixItems', 'minItems', 'maxItems', '$defs'],
  string: ['type', 'minLength', 'maxLength', 'format'],
  scalar: ['type'],
} as const

function kindOf(schema: JsonObject, place: string): keyof typeof KEYWORDS {
  for (const keyword of ['$ref', 'const', 'enum', 'anyOf'] as const) {
    if (schema[keyword] !== undefined) return keyword
  }
  const { type } = schema
  if (type === 'object' || type === 'array' || type === 'string') return type
  const types = Array.isArray(type) ? type : [type ?? null]
  if (types.length > 0 && types.every((one) => SCALARS.includes(one))) return 'scalar'
  throw refused(`${place}.type`, 'expected a type, anyOf, enum, const or $ref')
}

function allow(schema: JsonObject, keywords: readonly string[], place: string): void {
  const unknown = Object.keys(schema).find((key) => !keywords.includes(key) && !NOTES.includes(key))
  if (unknown !== undefined) throw refused(`${place}.${unknown}`, 'not supported by this engine')
}

function pick(schema: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = schema[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function scalars(value: JsonValue | undefined, place: string): JsonValue {
  const values = Array.isArray(value) ? value : [value ?? null]
  if (values.some((one) => typeof one === 'object' && one !== null)) {
    throw refused(place, 'expected strings, numbers, booleans or null')
  }
  return value ?? null
}

function asObject(value: JsonValue, place: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(place, 'expected an object')
  }
  return value as JsonObject
}

function asText(value: JsonValue | undefined, place: string): string {
  if (typeof value === 'string' && value.startsWith('#/$defs/')) return value
  throw refused(`${place}.$ref`, 'expected #/$defs/…')
}

function list(value: JsonValue | undefined, place: string): readonly JsonValue[] {
  if (Array.isArray(value) && value.length > 0) return value
  throw refused(place, 'expected a list')
}

/** Names of a schema are the client's: bounded, and without what only a control character could be for. */
function refused(place: string, what: string): EngineError {
  return new EngineError(
    'FORM_UNSUPPORTED',
    `${place.slice(0, 128).replaceAll(/[^\x20-\x7e]/g, '?')}: ${what}`,
  )
}
