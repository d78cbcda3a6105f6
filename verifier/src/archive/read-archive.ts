import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { fetchAnswer, withDeadline, type Fetch } from '../collateral/fetch-answer.ts'
import { CollateralFetchError } from '../collateral/collateral-fetch-error.ts'
import { ArchiveError, type ArchiveErrorCode } from './archive-error.ts'
import { arweaveId } from './locator.ts'

/** What {@link readArweave} needs. */
export interface ArweaveReadOptions {
  readonly fetch: Fetch
  /** Origins, asked in this order; none is trusted. */
  readonly gateways: readonly string[]
  /** Largest content; 4 MiB unless said otherwise. */
  readonly maxBytes?: number
  /** How long one gateway may take, in milliseconds; 15 s unless said otherwise. */
  readonly timeoutMs?: number
}

/** Gateways of different operators, for who configures none. */
export const ARWEAVE_GATEWAYS: readonly string[] = [
  'https://arweave.net',
  'https://permagate.io',
  'https://ar-io.dev',
]

const MAX_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 15_000

/**
 * Reads content by its locator from one gateway after the other, until one gives bytes of that digest: late, long, redirected and
 * wrong answers only cost a turn (attacks S1, S5).
 * @throws ArchiveError: the one that says most of what the gateways did
 */
export async function readArweave(
  locator: string,
  digest: Hex,
  options: ArweaveReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const id = arweaveId(locator)
  const { fetch, gateways, maxBytes = MAX_BYTES, timeoutMs = TIMEOUT_MS } = options
  const failures: ArchiveError[] = []
  for (const gateway of gateways) {
    // `/raw` gives the bytes as they were stored; others resolve manifests and redirect to sandboxes.
    const url = new URL(`/raw/${id}`, gateway).href
    try {
      const { body } = await withDeadline(timeoutMs, (signal) =>
        fetchAnswer(fetch, url, maxBytes, signal),
      )
      return requireDigest(body, digest, url)
    } catch (error) {
      failures.push(failureOf(error, url, timeoutMs))
    }
  }
  throw worst(failures) ?? new ArchiveError('ARCHIVE_UNAVAILABLE', `${locator}: no gateway to ask`)
}

/**
 * The content itself, if its digest is that one.
 * @throws ArchiveError `ARCHIVE_DIGEST`
 */
export function requireDigest(
  content: Uint8Array,
  digest: Hex,
  place: string,
): Uint8Array<ArrayBuffer> {
  const actual = toHex(sha256(content))
  if (actual === digest) return new Uint8Array(content)
  throw new ArchiveError('ARCHIVE_DIGEST', `${place}: expected ${digest}, got ${actual}`)
}

function failureOf(error: unknown, url: string, timeoutMs: number): ArchiveError {
  if (error instanceof ArchiveError) return error
  if (!(error instanceof CollateralFetchError)) throw error
  const { code, message } = error
  if (code === 'FETCH_TOO_LARGE') return new ArchiveError('ARCHIVE_TOO_LARGE', message)
  const text = code === 'FETCH_TIMEOUT' ? `${url}: no whole answer within ${timeoutMs} ms` : message
  return new ArchiveError('ARCHIVE_UNAVAILABLE', text, { cause: error })
}

const ORDER: readonly ArchiveErrorCode[] = [
  'ARCHIVE_DIGEST',
  'ARCHIVE_TOO_LARGE',
  'ARCHIVE_UNAVAILABLE',
]

/** A gateway that lies says more than one that is away. */
function worst(failures: readonly ArchiveError[]): ArchiveError | undefined {
  return failures.toSorted((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code))[0]
}
