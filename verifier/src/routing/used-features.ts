import type { PromptPath } from '../protocol/prompt-endpoints.ts'

/** Kinds of message parts that are pictures, in each API's own words. */
const PICTURES: readonly unknown[] = ['image_url', 'input_image', 'image']

/** What a plain body uses of what nodes may lack (docs/protocol.md §8, `features`), by the names that nodes use. */
export function usedFeatures(
  path: PromptPath,
  body: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { tools, response_format, text, logprobs, frequency_penalty, presence_penalty } = body
  const form = typeOf(response_format) ?? typeOf(isRecord(text) ? text['format'] : undefined)
  const uses: Readonly<Record<string, boolean>> = {
    completions: path === '/v1/completions',
    embeddings: path === '/v1/embeddings',
    images: [body['messages'], body['input']].some(hasPicture),
    json: form === 'json_object',
    json_schema: form === 'json_schema',
    logprobs: logprobs === true || typeof logprobs === 'number',
    penalties: [frequency_penalty, presence_penalty].some((value) => (value ?? 0) !== 0),
    tools: Array.isArray(tools) && tools.length > 0,
  }
  return Object.keys(uses).filter((name) => uses[name] === true)
}

function hasPicture(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false
  return messages.some((message: unknown) => {
    const content = isRecord(message) ? message['content'] : undefined
    return Array.isArray(content) && content.some((part) => PICTURES.includes(typeOf(part)))
  })
}

function typeOf(value: unknown): unknown {
  return isRecord(value) ? value['type'] : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
