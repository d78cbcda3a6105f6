import type { Readable } from 'node:stream'

/**
 * A whole body, or undefined when it is longer than `max` bytes: counted while it is read, and not read on after that;
 * whoever asked for it has to destroy it then. Rejects where it breaks off. By its events, since an iterator over a
 * stream costs as much as a small body.
 */
export function readLimited(body: Readable, max: number): Promise<Buffer<ArrayBuffer> | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array<ArrayBuffer>[] = []
    let length = 0
    const leave = (): void => {
      body.off('data', take).off('end', end).off('error', fail).off('close', breakOff)
    }
    const take = (part: Uint8Array<ArrayBuffer>): void => {
      length += part.length
      if (length <= max) {
        parts.push(part)
        return
      }
      leave()
      body.pause()
      resolve(undefined)
    }
    const end = (): void => {
      leave()
      const [first] = parts
      const isWhole = parts.length === 1 && Buffer.isBuffer(first)
      resolve(isWhole ? (first as Buffer<ArrayBuffer>) : Buffer.concat(parts, length))
    }
    const fail = (error: unknown): void => {
      leave()
      reject(error instanceof Error ? error : new Error('body: broke off'))
    }
    const breakOff = (): void => fail(body.errored)
    if (body.closed) {
      reject(body.errored ?? new Error('body: broke off'))
      return
    }
    body.on('data', take).on('end', end).on('error', fail).on('close', breakOff)
  })
}
