import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256, toBareHex } from '@jeju/verifier/protocol'
import type { SimulatedGpus } from './simulated-gpus.ts'

/** A service like NVIDIA's that hands out reference values. */
export interface RimService {
  /** Base URL, without a slash behind it. */
  readonly url: string
  /** Ids asked for so far. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** What an answer says; changed by a service that lies. */
export interface RimAnswer {
  readonly id: string
  readonly rim: string
  readonly sha256: string
  readonly [name: string]: unknown
}

/** Serves the RIMs of simulated GPUs over HTTP on loopback, as NVIDIA's RIM service does. */
export async function serveRims(
  gpus: Pick<SimulatedGpus, 'rims'>,
  change: (answer: RimAnswer) => unknown = (answer) => answer,
): Promise<RimService> {
  const rims = gpus.rims()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const id = /^\/v1\/rim\/([^/?]+)$/.exec(request.url ?? '')?.[1] ?? ''
    asked.push(id)
    const document = rims.get(id)
    const answer =
      document === undefined
        ? { error: 'RIM_NOT_FOUND' }
        : change({
            id,
            rim: Buffer.from(document).toString('base64'),
            sha256: toBareHex(sha256(document)),
            last_updated: '2026-01-01T00:00:00Z',
            rim_format: 'TCG_RIM',
            request_id: 'simulated',
          })
    response.writeHead(document === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
