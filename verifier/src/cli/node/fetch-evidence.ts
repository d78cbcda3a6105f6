import { concatBytes } from '../../bytes/bytes.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { MAX_EVIDENCE_BYTES } from '../../protocol/evidence-bundle.ts'

/** A node did not give evidence. The message says why, in one line. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

/** How long a node may take for the whole answer; a quote takes seconds. */
const TIMEOUT_MS = 30_000

/**
 * The evidence a node gives for a nonce. What is asked is what answers: no redirect is followed.
 * @throws UnreachableError
 */
export async function fetchEvidence(node: URL, nonce: Uint8Array): Promise<Uint8Array> {
  const folder = node.pathname.replace(/\/+$/, '')
  const url = new URL(`${folder}/v1/attestation?nonce=${toBareHex(nonce)}`, node)
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const answer = await fetch(url, { redirect: 'manual', signal })
    if (answer.status !== 200) {
      await answer.body?.cancel()
      throw new UnreachableError(`${node.href}: HTTP status ${answer.status}`)
    }
    return await readBody(answer, node)
  } catch (error) {
    if (error instanceof UnreachableError) throw error
    throw new UnreachableError(`${node.href}: ${reasonOf(error)}`, { cause: error })
  }
}

async function readBody(answer: Response, node: URL): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const body: AsyncIterable<Uint8Array> | null = answer.body
  for await (const part of body ?? []) {
    length += part.length
    // Leaving the loop cancels the rest of the body.
    if (length > MAX_EVIDENCE_BYTES) {
      throw new UnreachableError(`${node.href}: more than ${MAX_EVIDENCE_BYTES} bytes`)
    }
    parts.push(part)
  }
  return concatBytes(...parts)
}

/** `fetch` says "fetch failed" and hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  return code === '' ? cause.message : code
}
