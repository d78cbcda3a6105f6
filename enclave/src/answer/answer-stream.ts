/** How the two ends of a streamed answer reach each other. */
export interface StreamHooks {
  /** Aborted by the reader's leaving; ends the inference. */
  readonly gone: AbortController
  /** Aborted when the reader does not take the rest and nobody can wait any longer. */
  readonly drop: AbortSignal
  /** A failure after the first frame; the reader sees a stream without its receipt. */
  readonly failed: (error: unknown) => void
  /** Called once, when nothing more will be done. */
  readonly ended: () => void
}

/** A reader who takes nothing for this long has left: it holds one of the engine's few places. */
export const MAX_STALL_MS = 30_000

/**
 * Frames as a body, pulled one by one, so that a slow reader slows the engine, which is one token ahead of him at most.
 * Resolves when the first frame is there: what fails before it is an error answer and not a broken stream.
 */
export async function openAnswerStream(
  frames: AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
  { gone, drop, failed, ended }: StreamHooks,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  let next: IteratorResult<Uint8Array<ArrayBuffer>, void> | undefined = await frames.next()
  let over = false
  let stall: NodeJS.Timeout | undefined
  /** Whether the reader asks for a frame that is not there yet. */
  let asking = false
  const end = (): void => {
    clearTimeout(stall)
    if (over) return
    over = true
    ended()
  }
  const leave = async (): Promise<void> => {
    gone.abort()
    // Runs what concludes the answer, also when no frame was ever read.
    await frames.return().catch(failed)
    end()
  }
  const abandon = (controller: ReadableStreamDefaultController): void => {
    if (over) return
    controller.error(new Error('the answer was not taken in time'))
    void leave()
  }
  const awaitReader = (controller: ReadableStreamDefaultController): void => {
    asking = false
    // One timer for all of a stream's frames; it may have run out while a frame was asked for.
    stall =
      stall?.refresh() ??
      setTimeout(() => {
        if (!asking) abandon(controller)
      }, MAX_STALL_MS).unref()
  }
  return new ReadableStream(
    {
      start: (controller) => {
        drop.addEventListener('abort', () => abandon(controller), { once: true })
        awaitReader(controller)
      },
      pull: async (controller) => {
        asking = true
        try {
          const frame = next ?? (await frames.next())
          next = undefined
          if (gone.signal.aborted) return
          if (frame.done !== true) {
            controller.enqueue(frame.value)
            return awaitReader(controller)
          }
          controller.close()
        } catch (error) {
          failed(error)
          // The HTTP server prints what it gets, and an engine's own error may quote the conversation (attack E10).
          controller.error(new Error('the answer broke off'))
        }
        end()
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
}
