import type { GpuErrorCode } from './gpu/gpu-error.ts'
import { NodeError } from './http/node-error.ts'
import { withIn } from './within.ts'

/** One request under way, from its acceptance to the last byte of its answer. */
export interface Work {
  /** Aborted when the node cannot wait any longer: end the answer where it is. */
  readonly cut: AbortSignal
  /** Aborted when cutting was not enough: the reader does not take the rest. */
  readonly drop: AbortSignal
  readonly end: () => void
}

/** What a node waits for: a valid binding on chain, quotes of the platform, what answers, or its GPUs, with the code of what they say. */
export type Obstacle = 'binding' | 'quotes' | 'engine' | GpuErrorCode

/** Whether requests are taken, and which are under way. */
export interface Readiness {
  readonly status: 'starting' | 'ok' | 'draining'
  /** Undefined where nothing stands in the way. */
  readonly obstacle: Obstacle | undefined
  /** Requests that were accepted and are not at their end. */
  readonly underWay: number
  /** @throws NodeError `not_ready` or `draining` */
  assertServing(): void
  /**
   * Accepts a request.
   * @throws NodeError `not_ready` or `draining`
   */
  begin(): Work
  /** Refuses new requests, and resolves when nothing is under way. Answers that last longer are cut short, and what does not end even then is left behind: what it owes is on disk. */
  drain(graceMs: number): Promise<void>
}

/** What a reader gets to take the end of an answer that was cut. */
const DROP_AFTER_MS = 1_000
/** What an engine gets to stop after that. */
const LEAVE_AFTER_MS = 5_000

/** A node serves while nothing stands in the way and it is not draining. */
export function createReadiness(obstacle: () => Obstacle | undefined): Readiness {
  let draining = false
  const underWay = new Map<Work, { readonly cut: () => void; readonly drop: () => void }>()
  let idle = (): void => undefined
  const status = (): Readiness['status'] =>
    draining ? 'draining' : obstacle() === undefined ? 'ok' : 'starting'
  const assertServing = (): void => {
    const now = status()
    if (now === 'draining') throw new NodeError('draining', 'this node is shutting down')
    if (now === 'starting') throw new NodeError('not_ready', textOf(obstacle()))
  }
  return {
    get status() {
      return status()
    },
    get obstacle() {
      return obstacle()
    },
    get underWay() {
      return underWay.size
    },
    assertServing,
    begin: () => {
      assertServing()
      const [cut, drop] = [new AbortController(), new AbortController()]
      const work: Work = {
        cut: cut.signal,
        drop: drop.signal,
        end: () => {
          underWay.delete(work)
          if (underWay.size === 0) idle()
        },
      }
      underWay.set(work, { cut: () => cut.abort(), drop: () => drop.abort() })
      return work
    },
    drain: async (graceMs) => {
      draining = true
      if (underWay.size === 0) return
      const ended = new Promise<void>((resolve) => (idle = resolve))
      if ((await withIn(ended, graceMs)) === 'done') return
      for (const { cut } of underWay.values()) cut()
      if ((await withIn(ended, DROP_AFTER_MS)) === 'done') return
      for (const { drop } of underWay.values()) drop()
      await withIn(ended, LEAVE_AFTER_MS)
    },
  }
}

function textOf(obstacle: Obstacle | undefined): string {
  if (obstacle === 'quotes') return 'the platform makes no quotes'
  if (obstacle === 'engine') return 'the engine does not answer'
  if (obstacle === 'binding') return 'the binding is not valid on chain'
  return `the GPUs give no evidence: ${obstacle ?? 'no longer known'}`
}
