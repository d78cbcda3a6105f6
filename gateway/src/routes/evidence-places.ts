import type { Hex } from '@jeju/verifier/protocol'

/** A place that is held until it is left. */
export interface EvidencePlace {
  /** Ends when somebody else needs the place more. */
  readonly signal: AbortSignal
  leave(): void
}

/** Places for evidence requests that are passed on. */
export interface EvidencePlaces {
  /** Undefined where there is none for this provider. */
  enter(asked: { readonly agentId: bigint; readonly owner: Hex }): EvidencePlace | undefined
}

interface Held {
  readonly agentId: bigint
  readonly owner: Hex
  readonly ending: AbortController
}

/** Requests to one node at once; each costs it a quote. */
const MAX_OF_AGENT = 4

/**
 * Places that are shared out among owners: where all are taken, the request that has waited longest for the owner with
 * the most of them makes room for one of an owner who has fewer. So nodes that never answer, whoever asks them, keep
 * out each other and nobody else.
 */
export function createEvidencePlaces(count: number): EvidencePlaces {
  /** The oldest first. */
  const held = new Set<Held>()
  const ofOwner = (owner: Hex): readonly Held[] => [...held].filter((one) => one.owner === owner)
  const makeRoomFor = (owner: Hex): boolean => {
    const [longest] = [...held].toSorted(
      (a, b) => ofOwner(b.owner).length - ofOwner(a.owner).length,
    )
    // One place more or less each would only change sides.
    if (longest === undefined) return false
    if (ofOwner(longest.owner).length <= ofOwner(owner).length + 1) return false
    held.delete(longest)
    longest.ending.abort()
    return true
  }
  return {
    enter: ({ agentId, owner }) => {
      if ([...held].filter((one) => one.agentId === agentId).length >= MAX_OF_AGENT)
        return undefined
      if (held.size >= count && !makeRoomFor(owner)) return undefined
      const own = { agentId, owner, ending: new AbortController() }
      held.add(own)
      return { signal: own.ending.signal, leave: () => void held.delete(own) }
    },
  }
}
