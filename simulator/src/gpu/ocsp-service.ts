import { createServer } from 'node:http'
import { bodyOf, listenOnLoopback, type LoopbackService } from '../loopback-service.ts'
import type { OcspRequest } from './ocsp-writer.ts'
import type { SimulatedGpus } from './simulated-gpus.ts'

/** A service like NVIDIA's that answers about certificates. */
export interface OcspService extends LoopbackService {
  /** How many questions came so far. */
  readonly asked: number
}

/** An answer that holds nothing but `unauthorized` (RFC 6960 §4.2.1), as NVIDIA gives it about leaves. */
const UNAUTHORIZED = Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x06)

/** Answers OCSP requests about simulated GPUs and RIM signers over HTTP (RFC 6960 Appendix A.1). */
export async function serveOcsp(
  gpus: Pick<SimulatedGpus, 'ocspAnswer'>,
  {
    now = () => new Date(),
    change,
  }: {
    readonly now?: () => Date
    readonly change?: (request: OcspRequest) => OcspRequest
  } = {},
): Promise<OcspService> {
  let asked = 0
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const question = await bodyOf(request)
      asked++
      const isOcsp =
        request.method === 'POST' && request.headers['content-type'] === 'application/ocsp-request'
      response.writeHead(isOcsp ? 200 : 415, { 'Content-Type': 'application/ocsp-response' })
      response.end(isOcsp ? (gpus.ocspAnswer(question, now(), change) ?? UNAUTHORIZED) : undefined)
    }
    answer().catch(() => response.destroy())
  })
  const service = await listenOnLoopback(server)
  return {
    ...service,
    get asked() {
      return asked
    },
  }
}
