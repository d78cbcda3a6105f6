import { request } from 'node:http'
import { toBareHex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { DeviceSource } from '../device-source.ts'
import { GpuError } from '../gpu-error.ts'
import { bytesOfHex, parseJson, readEvidenceItems } from './evidence-items.ts'

/** What dstack calls the evidence that this reads; another format is nothing that is known here. */
const FORMAT = 'nvidia-nvattest-collect-evidence-json-v1'
const PATH = '/v1/AttestGpu'
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

const answer = z.object({
  bundles: z
    .array(
      z.object({ vendor: z.literal('nvidia'), format: z.literal(FORMAT), evidence: z.string() }),
    )
    .length(1),
})

/**
 * `AttestGpu` of the guest agent (dstack 0.6, v1 surface): the agent asks the local GPUs, one collection at a time, with
 * the nonce as it is. It collects no switches. Keys are not touched, so a node on v0 keys uses it as well.
 */
export function attestGpuSource(socketPath: string, timeoutMs: number): DeviceSource {
  return {
    name: 'dstack',
    collect: async (nonce) => {
      const body = JSON.stringify({ nonce: toBareHex(nonce) })
      const { status, text } = await post(socketPath, body, timeoutMs)
      // 501: the image has no collector. 404: an agent before 0.6, or without this method. Both for good.
      if (status === 501 || status === 404) {
        throw new GpuError('GPU_NO_SOURCE', `AttestGpu: status ${status}, not served here`)
      }
      if (status !== 200) throw new GpuError('GPU_DRIVER', `AttestGpu: status ${status}`)
      const parsed = answer.safeParse(parseJson(text, 'AttestGpu'))
      const [bundle] = parsed.data?.bundles ?? []
      if (bundle === undefined) {
        throw new GpuError('GPU_ANSWER', `AttestGpu: expected one bundle of ${FORMAT}`)
      }
      const bytes = bytesOfHex(bundle.evidence, 'AttestGpu.evidence')
      const items = parseJson(new TextDecoder().decode(bytes), 'AttestGpu.evidence')
      return readEvidenceItems(items, 'AttestGpu.evidence')
    },
  }
}

function post(
  socketPath: string,
  body: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      if (signal.aborted) {
        reject(new GpuError('GPU_TIMEOUT', `AttestGpu: no answer in ${timeoutMs} ms`))
      } else {
        const code = 'code' in error ? String(error.code) : error.name
        reject(
          error instanceof GpuError
            ? error
            : new GpuError('GPU_DRIVER', `AttestGpu: the guest agent does not answer (${code})`),
        )
      }
    }
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    }
    const asked = request(
      { socketPath, path: PATH, method: 'POST', headers, signal },
      (response) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > MAX_ANSWER_BYTES) {
            const text = `AttestGpu: more than ${MAX_ANSWER_BYTES} bytes`
            response.destroy(new GpuError('GPU_ANSWER', text))
          } else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    asked.on('error', fail)
    asked.end(body)
  })
}
