import { createServer } from 'node:http'
import { sha256, toBareHex } from '@jeju/verifier/protocol'
import { listenOnLoopback, type LoopbackService } from '../loopback-service.ts'
import type { SimulatedGpus } from './simulated-gpus.ts'

/** A service like NVIDIA's that hands out reference values. */
export interface RimService extends LoopbackService {
  /** Ids asked for so far. */
  readonly asked: readonly string[]
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
  return { ...(await listenOnLoopback(server)), asked }
}
