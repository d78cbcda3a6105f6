import { z } from 'zod'
import type { Question } from '../../answer/question.ts'
import { assertServable, servingConstraint } from '../../attestation/aci/serving-constraint.ts'
import { NodeError } from '../../http/node-error.ts'
import { absent, readBodyAs, text, tokens } from '../json-body.ts'
import { need } from '../needs.ts'
import type { PromptApi } from '../prompt-api.ts'
import { sharedOptions } from '../options.ts'
import { createCompletionWriter } from './completion-writer.ts'
import { metadataField, neutralFields, stopField, streamOptions } from './shared-fields.ts'

const MAX_PROMPTS = 16
const MAX_ANSWERS = 16
const MAX_LOGPROBS = 5
/** OpenAI's own default. */
const DEFAULT_MAX_TOKENS = 16

const neutral = {
  ...neutralFields,
  echo: absent(z.literal(false)),
  suffix: absent(z.literal('')),
  best_of: absent(z.literal(1)),
}

/** Body of `POST /v1/completions`. */
const completionBody = z.strictObject({
  model: z.string().min(1).max(128),
  prompt: z.union(
    [text.min(1), z.array(text.min(1)).min(1).max(MAX_PROMPTS)],
    'expected text or texts',
  ),
  max_tokens: absent(tokens),
  temperature: absent(z.number().min(0).max(2)),
  top_p: absent(z.number().gt(0).max(1)),
  seed: absent(z.number().int()),
  stop: stopField,
  n: absent(z.number().int().min(1).max(MAX_ANSWERS)),
  logprobs: absent(z.number().int().min(0).max(MAX_LOGPROBS)),
  frequency_penalty: absent(z.number().min(-2).max(2)),
  presence_penalty: absent(z.number().min(-2).max(2)),
  stream: absent(z.boolean()),
  stream_options: streamOptions,
  metadata: metadataField,
  provider: absent(servingConstraint),
  ...neutral,
})

/**
 * Reads the body of a completion request.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
function parseCompletionRequest(body: Uint8Array): Question {
  const data = readBodyAs(completionBody, body, { ...neutral, metadata: metadataField })
  assertServable(data.provider)
  const { frequency_penalty: frequency, presence_penalty: presence } = data
  const prompts = [data.prompt].flat()
  const choices = data.n ?? 1
  if (prompts.length * choices > MAX_ANSWERS) {
    throw new NodeError('invalid_request', `n: more than ${MAX_ANSWERS} answers in all`, 'n')
  }
  const logprobs = data.logprobs ?? undefined
  const includeUsage = data.stream_options?.include_usage ?? false
  return {
    kind: 'text',
    model: data.model,
    needs: [
      ...need(true, 'completions', 'prompt'),
      ...need(logprobs !== undefined, 'logprobs', 'logprobs'),
      ...need((frequency ?? 0) !== 0, 'penalties', 'frequency_penalty'),
      ...need((presence ?? 0) !== 0, 'penalties', 'presence_penalty'),
    ],
    prompts: prompts.map((prompt) => ({ kind: 'text', text: prompt })),
    choices,
    maxTokens: data.max_tokens ?? DEFAULT_MAX_TOKENS,
    options: { ...sharedOptions(data), ...(logprobs === undefined ? {} : { logprobs }) },
    stream: data.stream ?? false,
    promptField: 'prompt',
    writer: (name) =>
      createCompletionWriter(name, { includeUsage, logprobs: logprobs !== undefined }),
  }
}

/** `POST /v1/completions`. */
export const completionApi: PromptApi = {
  summary: 'OpenAI completion of bare text',
  schema: completionBody,
  parse: parseCompletionRequest,
}
