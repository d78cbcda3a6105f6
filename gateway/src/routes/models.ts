import { Hono } from 'hono'
import type { Leases } from '../admission/leases.ts'

/** `GET /v1/models`: models in the verified catalogues of admitted nodes, each once (attack F22). */
export function modelsRoute(leases: Leases): Hono {
  return new Hono().get('/v1/models', (c) => {
    const models = new Map(
      leases
        .current()
        .flatMap(({ verdict }) =>
          verdict.claims.catalog.models.map((model) => [model.id, { model, verdict }] as const),
        ),
    )
    return c.json({
      object: 'list',
      data: [...models.values()].map(({ model, verdict }) => ({
        id: model.id,
        object: 'model',
        created: Math.floor(verdict.claims.verifiedAt.getTime() / 1000),
        owned_by: 'provider',
        context_length: model.context_tokens,
      })),
    })
  })
}
