import { decodeUtf8 } from '@jeju/verifier/protocol'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { readBody } from '../gateway/read-body.ts'

const TIMEOUT_MS = 15_000
const MAX_BYTES = 8 * 1024 * 1024

/** The text of a gateway's `GET /v1/findings`. Throws `CONFIG_GATEWAY`, `GATEWAY_UNAVAILABLE` or `GATEWAY_ANSWER`. */
export async function readFindings(gateway: string, transport: typeof fetch): Promise<string> {
  const url = `${parseBaseUrl(gateway)}/v1/findings`
  try {
    const response = await transport(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new SdkError('GATEWAY_ANSWER', `findings: expected 200, got ${response.status}`)
    }
    return decodeUtf8(await readBody(response.body, MAX_BYTES), 'findings')
  } catch (cause) {
    if (cause instanceof SdkError) throw cause
    const reason = networkReason(cause)
    throw new SdkError('GATEWAY_UNAVAILABLE', `gateway: ${reason}`, { cause })
  }
}
