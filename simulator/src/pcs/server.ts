import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatedPlatform } from '../platform.ts'
import { EVALUATION_NUMBER, type Vintage } from '../pki/collateral-documents.ts'
import { answerPcs, type PcsAnswer } from './answer.ts'

/** A simulated Provisioning Certification Service. */
export interface PcsServer {
  /** Base URL, without a slash behind it. */
  readonly url: string
  close(): Promise<void>
}

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
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const closed = once(server, 'close')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function send(
  response: ServerResponse,
  { status, headers = {}, body = new Uint8Array(0) }: PcsAnswer,
): void {
  response.writeHead(status, { ...headers, 'Content-Length': body.length })
  response.end(body)
}
