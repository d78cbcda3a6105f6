import { decodeUtf8 } from '@jeju/verifier/protocol'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { readBody } from '../gateway/read-body.ts'
import { parseFindings, type Finding } from './finding.ts'

const TIMEOUT_MS = 15_000
const MAX_BYTES = 8 * 1024 * 1024
/** What a gateway keeps at most, in pages of a hundred. */
const MAX_PAGES = 100

/**
 * All findings of a gateway, newest first, page by page (`GET /v1/findings`). Throws `CONFIG_GATEWAY`,
 * `GATEWAY_UNAVAILABLE` or `GATEWAY_ANSWER`; some of them without the others would be no list.
 */
export async function readFindings(
  gateway: string,
  transport: typeof fetch,
): Promise<readonly Finding[]> {
  const base = `${parseBaseUrl(gateway)}/v1/findings`
  const findings: Finding[] = []
  let url = base
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { findings: found, next } = parseFindings(await readPage(url, transport))
    findings.push(...found)
    if (next === null) return findings
    url = `${base}?after=${encodeURIComponent(next)}`
  }
  throw new SdkError('GATEWAY_ANSWER', `findings: expected ${MAX_PAGES} pages at most, got more`)
}

async function readPage(url: string, transport: typeof fetch): Promise<string> {
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
