import { modelIdOf } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import type { Engine } from '../engine/engine.ts'
import { NodeError } from '../http/node-error.ts'
import type { CurrentPrice } from '../payment/current-price.ts'

/**
 * `GET /v1/models` and `GET /v1/models/:id`, OpenAI's list. Nothing in it is a proof; the catalogue of the evidence is,
 * and the price that counts is the channel's. The price is null while the chain cannot be asked.
 */
export function modelsRoute(engine: Engine, created: number, price: CurrentPrice): Hono {
  const model = engine.descriptor
  const entry = async (): Promise<object> => {
    const current = await price.read()
    return {
      id: model.id,
      object: 'model',
      created,
      owned_by: 'provider',
      model_id: modelIdOf(model),
      context_length: model.context_tokens,
      weights_sha256: model.weights_sha256,
      state: model.state,
      engine: model.engine,
      quantization: model.quantization,
      features: [...engine.features].toSorted(),
      price:
        current === undefined
          ? null
          : {
              version: current.version,
              in_per_million_tokens: current.inPerMTok.toString(),
              out_per_million_tokens: current.outPerMTok.toString(),
              max_output_tokens: current.maxOutputTokens,
              unit: 'wei',
            },
    }
  }
  return new Hono()
    .get('/v1/models', async (c) => c.json({ object: 'list', data: [await entry()] }))
    .get('/v1/models/:id', async (c) => {
      if (c.req.param('id') !== model.id) throw new NodeError('model_not_found', 'no such model')
      return c.json(await entry())
    })
}
