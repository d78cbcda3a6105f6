import { EVIDENCE_MEDIA_TYPE, MAX_EVIDENCE_BYTES, type Hex } from '@jeju/verifier/protocol'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { readBody } from './read-body.ts'

/** Evidence is made for the nonce while we wait; a quote takes seconds, not minutes. */
const EVIDENCE_TIMEOUT_MS = 30_000

/**
 * Evidence bound to `nonce`, from a node or through a gateway, there of the node with this binding where one is named;
 * the bytes are judged by whoever asked. Throws `PROVIDER_UNAVAILABLE`.
 */
export async function fetchEvidence(
  endpoint: string,
  nonce: Hex,
  transport: typeof fetch,
  bindingId?: Hex,
): Promise<Uint8Array<ArrayBuffer>> {
  const named = bindingId === undefined ? '' : `&binding_id=${bindingId}`
  const url = `${endpoint}?nonce=${nonce.slice(2)}${named}`
  try {
    const response = await transport(url, {
      headers: { accept: EVIDENCE_MEDIA_TYPE },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(EVIDENCE_TIMEOUT_MS),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new SdkError('PROVIDER_UNAVAILABLE', `evidence: expected 200, got ${response.status}`)
    }
    return await readBody(response.body, MAX_EVIDENCE_BYTES)
  } catch (cause) {
    if (cause instanceof SdkError) throw cause
    const reason = networkReason(cause)
    throw new SdkError('PROVIDER_UNAVAILABLE', `evidence: ${reason}`, { cause })
  }
}
