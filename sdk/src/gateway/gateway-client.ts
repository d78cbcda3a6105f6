import {
  AUTHORIZATION_HEADER,
  encodeAuthorization,
  type Hex,
  type PromptPath,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { Preferences } from '@jeju/verifier/routing'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { OutgoingRequest } from '../sealing/sealed-exchange.ts'
import { fetchEvidence } from './fetch-evidence.ts'
import { parseProviderHints, parseRoute, type ProviderHint } from './provider-hints.ts'
import { readBody } from './read-body.ts'

/** The list of models: advertising, nothing is sent and nothing is paid. */
export const MODELS_PATH = '/v1/models'

const HINTS_TIMEOUT_MS = 15_000
/** A thousand providers, each with its report and 32 services: what a gateway follows at most. */
const MAX_HINTS_BYTES = 16 * 1024 * 1024

/** A gateway, of which nothing is believed (docs/protocol.md §8). */
export interface GatewayClient {
  /** Agents it says it knows, as a hint where to look, and those that are looked for whatever it says. */
  hints(named?: readonly bigint[]): Promise<readonly ProviderHint[]>
  /**
   * Agents of a model that it would ask, in its order: by what it has measured (`sort`), without those that do not say
   * they have the features. No other preference is any of its business.
   */
  route(model: string, preferences: Preferences): Promise<readonly bigint[]>
  /** A node's evidence through the gateway's pass-through; of the one with this binding where it is named. */
  evidence(agentId: bigint, nonce: Hex, bindingId?: Hex): Promise<Uint8Array<ArrayBuffer>>
  /** Sends exactly these bytes; no header of the caller goes along but those that open them (attack F12). */
  send(
    path: PromptPath,
    request: Pick<OutgoingRequest, 'body' | 'headers'>,
    signed: SignedRequestAuth,
    signal: AbortSignal,
  ): Promise<Response>
  models(signal: AbortSignal): Promise<Response>
}

/** `base` is a parsed base address. */
export function createGatewayClient(base: string, transport: typeof fetch): GatewayClient {
  return {
    hints: async (named = []) => {
      const response = await reach(() =>
        transport(`${base}/v1/providers`, {
          ...NOTHING_AMBIENT,
          headers: { accept: 'application/json' },
          signal: AbortSignal.timeout(HINTS_TIMEOUT_MS),
        }),
      )
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new SdkError('GATEWAY_ANSWER', `providers: expected 200, got ${response.status}`)
      }
      const body = await reach(() => readBody(response.body, MAX_HINTS_BYTES))
      return parseProviderHints(body, named)
    },
    route: async (model, { provider: { sort, require_parameters } = {}, features }) => {
      const asked = { provider: { sort, require_parameters }, features }
      const response = await reach(() =>
        transport(`${base}/v1/route?model=${encodeURIComponent(model)}`, {
          ...NOTHING_AMBIENT,
          headers: { accept: 'application/json', 'compute-routing': JSON.stringify(asked) },
          signal: AbortSignal.timeout(HINTS_TIMEOUT_MS),
        }),
      )
      const isNobody = response.status === 412
      if (response.status !== 200) await response.body?.cancel()
      if (isNobody) return []
      if (response.status !== 200) {
        throw new SdkError('GATEWAY_ANSWER', `route: expected 200 or 412, got ${response.status}`)
      }
      return parseRoute(await reach(() => readBody(response.body, MAX_HINTS_BYTES)))
    },
    evidence: (agentId, nonce, bindingId) =>
      fetchEvidence(`${base}/v1/providers/${agentId}/attestation`, nonce, transport, bindingId),
    send: (path, { body, headers }, signed, signal) =>
      transport(base + path, {
        ...NOTHING_AMBIENT,
        method: 'POST',
        headers: {
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          ...headers,
          [AUTHORIZATION_HEADER]: encodeAuthorization(signed),
        },
        body,
        signal,
      }),
    models: (signal) =>
      reach(() =>
        transport(base + MODELS_PATH, {
          ...NOTHING_AMBIENT,
          headers: { accept: 'application/json' },
          signal,
        }),
      ),
  }
}

// A redirect would carry a prompt to an endpoint nobody verified (attack F2); cookies name the user.
const NOTHING_AMBIENT = {
  redirect: 'error',
  credentials: 'omit',
  referrerPolicy: 'no-referrer',
} as const

async function reach<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (cause) {
    const reason = networkReason(cause)
    throw new SdkError('GATEWAY_UNAVAILABLE', `gateway: ${reason}`, { cause })
  }
}
