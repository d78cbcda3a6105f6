import { Agent } from 'undici'
import { EngineError } from '../engine-error.ts'
import { lookupInside } from './upstream-address.ts'

/** An answer of the upstream; its body has to be read or destroyed. */
export interface UpstreamAnswer {
  readonly status: number
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void }
}

/** Requests to one upstream. The only file that knows the library. */
export interface UpstreamConnection {
  /** @throws {EngineError} `ENGINE_FAILED`, also when the signal is aborted; without a cause that could quote anything */
  request(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
/** The first byte of an answer may wait for a long prompt. */
const HEADERS_TIMEOUT_MS = 5 * 60_000
const BODY_TIMEOUT_MS = 60_000

/** Raw streams, without redirects and without the platform's proxy settings. */
export function connectUpstream(origin: string): UpstreamConnection {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: lookupInside },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    connections: null,
  })
  return {
    request: async (method, path, body, signal) => {
      try {
        const answer = await agent.request({
          origin,
          path,
          method,
          signal,
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        })
        // What breaks off later is heard by whoever reads.
        answer.body.on('error', () => undefined)
        return { status: answer.statusCode, body: answer.body }
      } catch {
        throw new EngineError('ENGINE_FAILED', 'upstream: no answer')
      }
    },
    close: () => agent.destroy(),
  }
}
