import { Hono } from 'hono'
import { sessionIdOf } from '../admission/lease.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { withinFallbacks, type Candidate } from '../routing/candidate.ts'
import { readPreferences, ROUTING_HEADER } from '../routing/preferences.ts'
import type { ProviderHealth } from '../routing/provider-health.ts'
import type { Router } from '../routing/router.ts'

const MAX_MODELS = 16

/**
 * `GET /v1/route?model=`: who can answer, in the order in which a client should ask, and where each one's evidence is.
 * Nothing of it is to be believed: it says whom to verify and to authorise.
 */
export function routeRoute(route: Router, health: ProviderHealth): Hono {
  return new Hono().get('/v1/route', async (c) => {
    const models = [...new Set(c.req.queries('model') ?? [])]
    if (models.length === 0 || models.length > MAX_MODELS) {
      const text = `model: expected 1 to ${MAX_MODELS}, got ${models.length}`
      throw new GatewayError('invalid_request', text, { param: 'model' })
    }
    const preferences = readPreferences(c.req.header(ROUTING_HEADER))
    const wanted = [...new Set([...models, ...(preferences.models ?? [])])]
    const { models: _, ...others } = preferences
    const candidates = withinFallbacks(await route(wanted, others), others)
    return c.json({
      object: 'list',
      data: candidates.map((candidate) => describe(candidate, health)),
    })
  })
}

/** Integers beyond 2^53 are decimal strings. */
function describe(candidate: Candidate, health: ProviderHealth): object {
  const { lease, model, modelId, serviceId, price } = candidate
  const { latencyMs, bytesPerSecond } = health.of(lease.agentId)
  const id = sessionIdOf(lease)
  return {
    agentId: lease.agentId.toString(),
    owner: lease.owner,
    bindingId: lease.bindingId,
    tier: lease.tier,
    stake: lease.stake.toString(),
    serviceId,
    model: model.id,
    modelId,
    quantization: model.quantization,
    contextLength: model.context_tokens,
    price: {
      version: price.version,
      inPerMTok: price.inPerMTok.toString(),
      outPerMTok: price.outPerMTok.toString(),
      maxOutputTokens: price.maxOutputTokens,
    },
    latencyMs: latencyMs === undefined ? null : Math.round(latencyMs),
    bytesPerSecond: bytesPerSecond === undefined ? null : Math.round(bytesPerSecond),
    leaseExpiresAt: lease.expiresAt.toISOString(),
    evidence: {
      digest: lease.verdict.claims.evidenceDigest,
      sessionId: id,
      session: `/v1/aci/sessions/${id}`,
      fresh: `/v1/providers/${lease.agentId}/attestation?binding_id=${lease.bindingId}&nonce=`,
      checks: lease.report.checks.map(({ name, status }) => ({ name, status })),
    },
  }
}
