import {
  asDecimal,
  asHex,
  decodeUtf8,
  encodeRelease,
  exactObject,
  parseStrictJson,
  type SignedRelease,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import { readBody } from '../gateway/read-body.ts'

const TIMEOUT_MS = 10_000
const MAX_BYTES = 4096

/**
 * What a channel still owes all nodes of a service, asked of each by the release that its user signed
 * (`POST /v1/release`, docs/protocol.md §5.1). A node that was asked takes nothing more of the channel, so that zero stays
 * zero. List every node and replica that can be paid from the channel: one that is left out is one that is not paid.
 * @param nodes base URLs
 * @returns wei; throws `RELEASE_REFUSED` where one of them does not answer, since nobody knows what it holds
 */
export function owedByNodes(
  nodes: readonly URL[],
  transport: typeof fetch = globalThis.fetch,
): (release: SignedRelease) => Promise<bigint> {
  return async (release) => {
    // Of no node nobody knows anything.
    if (nodes.length === 0) throw refused('what each node is owed', 'no node to ask')
    const owed = await Promise.all(
      nodes.map(async (node, index) => owedBy(node, index, release, transport)),
    )
    return owed.reduce((sum, wei) => sum + wei, 0n)
  }
}

async function owedBy(
  node: URL,
  index: number,
  release: SignedRelease,
  transport: typeof fetch,
): Promise<bigint> {
  const base = node.href.endsWith('/') ? node.href : `${node.href}/`
  try {
    const response = await transport(new URL('v1/release', base).href, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: encodeRelease(release),
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = decodeUtf8(await readBody(response.body, MAX_BYTES), 'answer')
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    const answer = exactObject(parseStrictJson(text, { maxDepth: 1 }), 'answer', [
      'channelId',
      'owed',
    ])
    if (asHex(answer['channelId'], 'answer.channelId', 32) !== release.channelId) {
      throw new Error('the answer for another channel')
    }
    return asDecimal(answer['owed'], 'answer.owed', 128)
  } catch (cause) {
    // Users read this: where the nodes are is not for them.
    throw refused(`what node ${index} is owed`, cause instanceof Error ? cause.name : '', cause)
  }
}

function refused(expected: string, actual: string, cause?: unknown): SdkError {
  return new SdkError('RELEASE_REFUSED', `release: expected ${expected}, got ${actual}`, { cause })
}
