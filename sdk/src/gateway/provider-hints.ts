import { decodeUtf8, ProtocolError, type Hex } from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** More of a gateway's list than this is never looked at. */
const MAX_HINTS = 64

/** Where to look: an agent, and whether the gateway says that it would pass a prompt on to it. */
export interface ProviderHint {
  readonly agentId: bigint
  readonly admitted: boolean
  /** Of the agent's nodes the one that it would pass a prompt on to, where it says so. */
  readonly leased?: Hex
}

/**
 * The agents of `GET /v1/providers`, each once, in the gateway's order, and those that are named. Beside whom to ask
 * nothing of the list is used: whatever matters is read on chain. Throws `GATEWAY_ANSWER`.
 */
export function parseProviderHints(
  body: Uint8Array,
  named: readonly bigint[] = [],
): readonly ProviderHint[] {
  const hints = listOf(body, 'providers').map((entry): [bigint, ProviderHint] => {
    const id = agentId(member(entry, 'agentId'))
    const admitted = member(entry, 'admitted') === true
    const bindingId = member(member(entry, 'lease'), 'bindingId')
    return [id, { agentId: id, admitted, ...(isBindingId(bindingId) ? { leased: bindingId } : {}) }]
  })
  const others = named.map((id): [bigint, ProviderHint] => [id, { agentId: id, admitted: false }])
  return [...new Map([...others, ...hints]).values()]
}

/** Agents of `GET /v1/route`, each once, in the gateway's order. Throws `GATEWAY_ANSWER`. */
export function parseRoute(body: Uint8Array): readonly bigint[] {
  return [...new Set(listOf(body, 'data').map((entry) => agentId(member(entry, 'agentId'))))]
}

function listOf(body: Uint8Array, name: string): readonly unknown[] {
  const list = member(parse(body), name)
  if (!Array.isArray(list)) throw unreadable(`an array ${name}`)
  return list.slice(0, MAX_HINTS)
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(body, 'providers'))
  } catch (cause) {
    if (cause instanceof ProtocolError || cause instanceof SyntaxError) throw unreadable('JSON')
    throw cause
  }
}

/** A decimal uint256, as a string: an id beyond 2^53 is not a JavaScript number (attack T3). */
function agentId(value: unknown): bigint {
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(value)) {
    throw unreadable('a decimal string as agent id')
  }
  const id = BigInt(value)
  if (id >> 256n !== 0n) throw unreadable('an agent id below 2^256')
  return id
}

function isBindingId(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}

function unreadable(expected: string): SdkError {
  return new SdkError('GATEWAY_ANSWER', `providers: expected ${expected}`)
}
