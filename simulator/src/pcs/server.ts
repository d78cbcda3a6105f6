import { createServer, type ServerResponse } from 'node:http'
import { listenOnLoopback, type LoopbackService } from '../loopback-service.ts'
import type { SimulatedPlatform } from '../platform.ts'
import { EVALUATION_NUMBER, type Vintage } from '../pki/collateral-documents.ts'
import { answerPcs, type PcsAnswer } from './answer.ts'

/** A simulated Provisioning Certification Service. */
export type PcsServer = LoopbackService

/** What the service publishes, asked for at every request. */
export interface PcsOptions {
  /** Documents are issued afresh a day before this time. */
  readonly at: () => Date
  /** What `standard` and `early` serve; lower numbers stay available by number. */
  readonly vintage?: () => Vintage
}

/**
 * Serves a platform's collateral over HTTP on loopback, on the paths and with the headers of Intel PCS API v4; the
 * list of the root as Intel's host and as a PCCS have it.
 */
export async function servePcs(
  platform: SimulatedPlatform,
  options: PcsOptions,
): Promise<PcsServer> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://pcs')
    const current = {
      tcbEvaluationDataNumber: EVALUATION_NUMBER,
      ...options.vintage?.(),
    }
    const answer =
      request.method === 'GET'
        ? answerPcs(platform.pki, url, options.at(), current)
        : Promise.resolve({ status: 405 })
    answer.then(
      (made) => send(response, made),
      () => send(response, { status: 500 }),
    )
  })
  return listenOnLoopback(server)
}

function send(
  response: ServerResponse,
  { status, headers = {}, body = new Uint8Array(0) }: PcsAnswer,
): void {
  response.writeHead(status, { ...headers, 'Content-Length': body.length })
  response.end(body)
}
