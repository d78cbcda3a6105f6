import {
  EVIDENCE_MEDIA_TYPE,
  parseNonce,
  ProtocolError,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { fetchEvidence, fetchEvidenceOf } from '../admission/fetch-evidence.ts'
import type { Lease } from '../admission/lease.ts'
import type { Leases } from '../admission/leases.ts'
import type { ProviderConnection } from '../admission/provider-connection.ts'
import type { TrackRecord } from '../admission/track-record.ts'
import type { ProviderState } from '../chain/gateway-chain.ts'
import type { ProviderDirectory } from '../discovery/provider-directory.ts'
import type { RegistrationFiles } from '../discovery/registration-files.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { createEvidencePlaces } from './evidence-places.ts'
import { describeProvider } from './provider-document.ts'

/** Evidence requests passed on at once to providers that are admitted, and to all others: who has to prove nothing first. */
const PLACES_ADMITTED = 48
const PLACES_OTHERS = 16

/** Collaborators of {@link providersRoutes}. */
export interface ProvidersParts {
  readonly directory: ProviderDirectory
  readonly leases: Leases
  readonly record: TrackRecord
  readonly registrations: Pick<RegistrationFiles, 'of'>
  readonly connection: ProviderConnection
  readonly registry: ContractDomain
}

/** `GET /v1/providers` and the pass-through of a node's own evidence (docs/protocol.md §8). */
export function providersRoutes(parts: ProvidersParts): Hono {
  const { directory, leases, record, registrations, connection, registry } = parts
  const routes = new Hono()
  const places = {
    admitted: createEvidencePlaces(PLACES_ADMITTED),
    others: createEvidencePlaces(PLACES_OTHERS),
  }
  routes.get('/v1/providers', (c) => {
    const current = leases.current()
    const providers = directory.providers().map((provider) =>
      describeProvider(
        provider,
        current.find(({ agentId }) => agentId === provider.agentId),
        leases.judgementOf(provider.agentId),
        record.of(provider.agentId),
        registrations.of(provider.agentId),
      ),
    )
    // Admitted ones first: clients try in this order.
    return c.json({
      providers: providers.toSorted((a, b) => Number(b.admitted) - Number(a.admitted)),
    })
  })
  routes.get('/v1/providers/:agentId/attestation', async (c) => {
    const provider = directory.provider(readAgentId(c.req.param('agentId')))
    if (provider === undefined) {
      throw new GatewayError('provider_not_found', 'no such provider on chain')
    }
    const nonce = readNonce(c.req.queries('nonce'))
    const named = readBindingId(c.req.queries('binding_id'))
    const lease = named === undefined ? undefined : leaseOf(leases, provider, named)
    const isAdmitted = leases.current().some(({ agentId }) => agentId === provider.agentId)
    const place = places[isAdmitted ? 'admitted' : 'others'].enter(provider)
    if (place === undefined) throw tooMany()
    // Who has left needs no place.
    const signal = AbortSignal.any([place.signal, c.req.raw.signal])
    try {
      const evidence = await (lease === undefined
        ? fetchEvidence(connection, provider.endpoint, nonce, { signal })
        : fetchEvidenceOf(lease, nonce, { connection, registry, signal }))
      return c.body(evidence, 200, {
        'Content-Type': EVIDENCE_MEDIA_TYPE,
        'Cache-Control': 'no-store',
      })
    } catch {
      if (place.signal.aborted) throw tooMany()
      throw new GatewayError('provider_unavailable', 'the node did not hand out evidence')
    } finally {
      place.leave()
    }
  })
  return routes
}

function tooMany(): GatewayError {
  const text = 'too many evidence requests under way'
  return new GatewayError('too_many_requests', text, { retryAfterS: 1 })
}

/** The lease of the node that is named. @throws GatewayError `provider_not_admitted` */
function leaseOf(leases: Leases, { agentId }: ProviderState, bindingId: Hex): Lease {
  const lease = leases.byBinding(bindingId)
  if (lease?.agentId === agentId) return lease
  const text = 'binding_id: no verified node of this provider has that binding now'
  throw new GatewayError('provider_not_admitted', text, { param: 'binding_id' })
}

function readBindingId(values: readonly string[] = []): Hex | undefined {
  const [text, ...others] = values
  if (text === undefined) return undefined
  if (others.length === 0 && isBindingId(text)) return text
  const expected = 'binding_id: expected one, 0x and 64 lowercase hex digits'
  throw new GatewayError('invalid_request', expected, { param: 'binding_id' })
}

function isBindingId(text: string): text is Hex {
  return /^0x[0-9a-f]{64}$/.test(text)
}

function readAgentId(text: string): bigint {
  if (!/^(0|[1-9][0-9]{0,77})$/.test(text)) {
    throw new GatewayError('invalid_request', 'agentId: expected a decimal integer')
  }
  return BigInt(text)
}

function readNonce(values: readonly string[] | undefined): Hex {
  try {
    if (values?.length !== 1) throw new ProtocolError('INPUT_HEX', 'nonce: expected exactly one')
    return parseNonce(values[0])
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new GatewayError('invalid_nonce', error.message)
  }
}
