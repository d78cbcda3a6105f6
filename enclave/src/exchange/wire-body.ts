import type { ExchangeRecord } from '../records/exchange-records.ts'
import type { ExchangeWire } from './exchange.ts'

/**
 * An answer's body as it goes over the wire, pulled chunk by chunk so that a slow reader still slows what makes it.
 * `record` sees every byte that leaves, and is closed once: at the end, on a failure, and when the reader goes away.
 */
export function wireBody(
  body: ReadableStream<Uint8Array> | null,
  wire: ExchangeWire,
  record: ExchangeRecord | undefined,
): ReadableStream<Uint8Array> | null {
  if (body === null) {
    record?.close()
    return null
  }
  const reader = body.getReader()
  let open = true
  const close = (): void => {
    if (open) record?.close()
    open = false
  }
  const next = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      const bytes = wire.send(value)
      if (bytes.length > 0) return bytes
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        // What made the answer may end it while nobody reads.
        reader.closed.catch((error: unknown) => {
          close()
          controller.error(error)
        })
      },
      pull: async (controller) => {
        try {
          const bytes = await next()
          if (bytes !== undefined) {
            record?.sent(bytes)
            return controller.enqueue(bytes)
          }
          // Before the end is told: whoever has seen it finds the record.
          close()
          controller.close()
        } catch (error) {
          close()
          await reader.cancel(error).catch(() => undefined)
          controller.error(error)
        }
      },
      cancel: async (reason) => {
        await reader.cancel(reason).catch(() => undefined)
        close()
      },
    },
    { highWaterMark: 0 },
  )
}
