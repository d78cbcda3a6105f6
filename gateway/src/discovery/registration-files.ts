import { RegistrationFileError } from '@jeju/contracts'
import type { GatewayChain, ProviderState, Registration } from '../chain/gateway-chain.ts'

/** Registration files of providers, as of the last look: advertising, for display alone. Nothing is routed by them. */
export interface RegistrationFiles {
  /** Reads those that are due; a call during another one waits for that. Never rejects. */
  refresh(providers: readonly ProviderState[]): Promise<void>
  /** Undefined before it was read. */
  of(agentId: bigint): Registration | undefined
}

/** A file is changed without an event of our registry, so each is looked at again from time to time. */
const LOOK_MS = 10 * 60_000
/** And this soon where the chain did not answer. */
const RETRY_MS = 30_000
/** Files read at once; the rest follow at the next refresh. */
const MAX_AT_ONCE = 32
/** What is kept of a provider's own words, in characters. */
const MAX_NAME = 80
const MAX_DESCRIPTION = 400

interface Entry {
  readonly registration: Registration | undefined
  readonly seen: string
  readonly dueAtMs: number
}

/**
 * Reads each active provider's file (ERC-8004 `agentURI`) when its row on chain has changed, and every ten minutes. A
 * file is compared with the registry, and one that is not inside the URI is not fetched: whoever may change an agent
 * would choose what the gateway connects to (attacks F5, F6).
 */
export function createRegistrationFiles(
  chain: Pick<GatewayChain, 'registration'>,
  now: () => Date,
): RegistrationFiles {
  const entries = new Map<bigint, Entry>()
  let underWay: Promise<void> | undefined

  const isDue = (provider: ProviderState): boolean => {
    const entry = entries.get(provider.agentId)
    if (entry === undefined || entry.seen !== seenOf(provider)) return true
    return now().getTime() >= entry.dueAtMs
  }
  const read = async (provider: ProviderState): Promise<void> => {
    const { agentId, endpoint } = provider
    const readAtMs = now().getTime()
    const seen = seenOf(provider)
    const keep = (registration: Registration | undefined, waitMs: number): void => {
      entries.set(agentId, { registration, seen, dueAtMs: readAtMs + waitMs })
    }
    try {
      keep(shortened(await chain.registration(agentId, endpoint)), LOOK_MS)
    } catch (error) {
      if (error instanceof RegistrationFileError) keep({ problem: error.message }, LOOK_MS)
      // That the chain could not be asked says nothing about a file.
      else keep(entries.get(agentId)?.registration, RETRY_MS)
    }
  }
  const readDue = async (providers: readonly ProviderState[]): Promise<void> => {
    const active = providers.filter((provider) => provider.active)
    const followed = new Set(active.map(({ agentId }) => agentId))
    for (const agentId of entries.keys()) if (!followed.has(agentId)) entries.delete(agentId)
    await Promise.all(active.filter(isDue).slice(0, MAX_AT_ONCE).map(read))
  }
  return {
    refresh: (providers) => {
      underWay ??= readDue(providers).finally(() => (underWay = undefined))
      return underWay
    },
    of: (agentId) => entries.get(agentId)?.registration,
  }
}

function seenOf({ owner, endpointVersion, endpoint }: ProviderState): string {
  return `${endpointVersion} ${owner} ${endpoint}`
}

function shortened(registration: Registration): Registration {
  if ('problem' in registration) return registration
  const { name, description } = registration
  return { name: name.slice(0, MAX_NAME), description: description.slice(0, MAX_DESCRIPTION) }
}
