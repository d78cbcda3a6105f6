import { z } from 'zod'
import type { Question } from '../../answer/question.ts'
import { assertServable, servingConstraint } from '../../attestation/aci/serving-constraint.ts'
import type { Embeddings } from '../../engine/engine.ts'
import { absent, readBodyAs, text } from '../json-body.ts'
import { need } from '../needs.ts'
import type { PromptApi } from '../prompt-api.ts'

const MAX_TEXTS = 256

const neutral = { user: absent(z.string()) }

/** Body of `POST /v1/embeddings`. */
const embeddingsBody = z.strictObject({
  model: z.string().min(1).max(128),
  input: z.union(
    [text.min(1), z.array(text.min(1)).min(1).max(MAX_TEXTS)],
    'expected text or texts',
  ),
  encoding_format: absent(z.enum(['float', 'base64'])),
  provider: absent(servingConstraint),
  ...neutral,
})

/**
 * Reads the body of an embeddings request.
 * @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted`
 */
function parseEmbeddingsRequest(body: Uint8Array): Question {
  const data = readBodyAs(embeddingsBody, body, neutral)
  assertServable(data.provider)
  const isBase64 = data.encoding_format === 'base64'
  return {
    kind: 'embeddings',
    model: data.model,
    needs: need(true, 'embeddings', 'input'),
    texts: [data.input].flat(),
    write: (model, embeddings) => embeddingsDocument(model, embeddings, isBase64),
  }
}

/** `POST /v1/embeddings`. */
export const embeddingsApi: PromptApi = {
  summary: 'OpenAI embeddings',
  schema: embeddingsBody,
  parse: parseEmbeddingsRequest,
}

function embeddingsDocument(
  model: string,
  { vectors, inputTokens }: Embeddings,
  isBase64: boolean,
): string {
  return JSON.stringify({
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: isBase64 ? base64Floats(vector) : vector,
    })),
    model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  })
}

/** Little-endian 32-bit floats. */
function base64Floats(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
