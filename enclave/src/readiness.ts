import { NodeError } from './http/node-error.ts'

/** Whether requests are taken, and which answers are still being made or going out. */
export interface Readiness {
  readonly status: 'starting' | 'ok' | 'draining'
  /** Throws `not_ready` or `draining`. */
  assertServing(): void
  /** Counts a piece of work as under way until it settles. */
  during<Result>(work: Promise<Result>): Promise<Result>
  /** Counts a streamed answer as under way until it ends or is cancelled. */
  tracked<Chunk>(stream: ReadableStream<Chunk>): ReadableStream<Chunk>
  /** Refuses new requests from now on. */
  drain(): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

/** A node serves while its binding is valid on chain and it is not draining. */
export function createReadiness(isRegistered: () => boolean): Readiness {
  let draining = false
  const underWay = new Set<Promise<unknown>>()
  const track = (end: Promise<unknown>): void => {
    underWay.add(end)
    void end.then(() => underWay.delete(end))
  }
  const status = (): Readiness['status'] =>
    draining ? 'draining' : isRegistered() ? 'ok' : 'starting'
  return {
    get status() {
      return status()
    },
    assertServing: () => {
      const now = status()
      if (now === 'draining') throw new NodeError('draining', 'this node is shutting down')
      if (now === 'starting') throw new NodeError('not_ready', 'the binding is not valid on chain')
    },
    during: (work) => {
      track(work.catch(() => undefined))
      return work
    },
    tracked: (stream) => {
      let ended = (): void => undefined
      const end = new Promise<void>((resolve) => (ended = resolve))
      track(end)
      const reader = stream.getReader()
      return new ReadableStream({
        pull: async (controller) => {
          try {
            const { done, value } = await reader.read()
            if (!done) return controller.enqueue(value)
            controller.close()
          } catch (error) {
            controller.error(error)
          }
          ended()
        },
        cancel: async (reason) => {
          try {
            await reader.cancel(reason)
          } finally {
            ended()
          }
        },
      })
    },
    drain: () => {
      draining = true
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
