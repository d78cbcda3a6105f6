import { z } from 'zod/mini'
import { getJson } from './get-json.ts'

const decimal = z.string().check(z.regex(/^(0|[1-9][0-9]{0,77})$/))

const service = z.object({
  serviceId: z.number(),
  model: z.string(),
  priceVersion: z.number(),
  inPerMTok: decimal,
  outPerMTok: decimal,
  maxOutputTokens: z.number(),
})

const provider = z.object({
  agentId: decimal,
  owner: z.string().check(z.regex(/^0x[0-9a-f]{40}$/)),
  endpoint: z.string(),
  active: z.boolean(),
  admitted: z.boolean(),
  services: z.array(service),
  lease: z.nullable(z.object({ bindingId: z.string(), tier: z.string(), expiresAt: z.string() })),
  judgement: z.nullable(
    z.object({
      at: z.string(),
      outcome: z.enum(['admitted', 'refused', 'unjudged']),
      reasons: z.array(z.string()),
    }),
  ),
  registration: z.nullable(
    z.union([
      z.object({ name: z.string(), description: z.string() }),
      z.object({ problem: z.string() }),
    ]),
  ),
  record: z.object({
    judgements: z.number(),
    admitted: z.number(),
    judgementMs: z.array(z.number()),
  }),
})

/** One provider as the gateway tells of it: claims, until this page has verified them. */
export type Provider = z.infer<typeof provider>

const answer = z.object({ providers: z.array(provider) })

/** `GET /v1/providers`. @throws on an answer that is none */
export async function fetchProviders(): Promise<readonly Provider[]> {
  return answer.parse(await getJson('../v1/providers')).providers
}
