import type { ModelDescriptor } from '@jeju/verifier/protocol'
import { Hono } from 'hono'

/** `GET /v1/models`, OpenAI's list. Nothing in it is a proof; the catalogue of the evidence is. */
export function modelsRoute(model: ModelDescriptor, created: number): Hono {
  return new Hono().get('/v1/models', (c) =>
    c.json({
      object: 'list',
      data: [
        {
          id: model.id,
          object: 'model',
          created,
          owned_by: 'provider',
          context_length: model.context_tokens,
          weights_sha256: model.weights_sha256,
          state: model.state,
        },
      ],
    }),
  )
}
