import { readBase64 } from '../bytes/base64.ts'
import { sha256 } from '../bytes/hash.ts'
import { toBareHex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { fetchAnswer, withDeadline, type Fetch } from './fetch-answer.ts'
import { safeUrl } from './service.ts'

/** NVIDIA's service of reference values. RIMs are signed: a copy elsewhere is as good. */
export const NVIDIA_RIM_URL = 'https://rim.attestation.nvidia.com'

const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_MAX_ENTRIES = 256
/** NVIDIA signs anew under the same id, so a document is asked for again once a day. */
const LIFE_MS = 24 * 3600 * 1000
/** A RIM of 256 KiB in base64, and what stands around it. */
const MAX_ANSWER_BYTES = 512 * 1024
/** Of one machine: two for its GPUs, one for its switches, and as many again for one that is mixed. */
const MAX_IDS = 64

/** Settings of a client. */
export interface RimClientOptions {
  readonly fetch: Fetch
  /** https, or http on loopback. NVIDIA's service by default. */
  readonly baseUrl?: string
  readonly now: () => Date
  /** For one document; 15 s by default. */
  readonly timeoutMs?: number
  /** Told of every document that could not be had. */
  readonly onFailure?: (error: CollateralFetchError, id: string) => void
}

/** Fetches reference values and keeps them for a day. What it returns is not judged yet. */
export interface RimClient {
  /** Documents by id; what could not be had is left out. Never rejects. */
  rimsFor(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>
}

interface KeptRim {
  readonly document: Promise<Uint8Array>
  readonly until: number
}

/** A client of one service. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createRimClient(options: RimClientOptions): RimClient {
  const { fetch, now, timeoutMs = DEFAULT_TIMEOUT_MS, onFailure } = options
  const base = safeUrl(options.baseUrl ?? NVIDIA_RIM_URL, 'baseUrl').href.replace(/\/+$/, '')
  const kept = new Recent<KeptRim>(DEFAULT_MAX_ENTRIES)

  const documentOf = (id: string): Promise<Uint8Array> => {
    const at = now().getTime()
    const known = kept.get(id)
    if (known !== undefined && at < known.until) return known.document
    const document = withDeadline(timeoutMs, (signal) => fetchRim(fetch, base, id, signal))
    kept.set(id, { document, until: at + LIFE_MS })
    // What failed is asked for again by whoever comes next.
    document.catch(() => {
      if (kept.get(id)?.document === document) kept.set(id, { document, until: 0 })
    })
    return document
  }
  return {
    rimsFor: async (ids) => {
      const found = await Promise.all(
        [...new Set(ids)].slice(0, MAX_IDS).map(async (id) => {
          try {
            return [id, await documentOf(id)] as const
          } catch (error) {
            if (!(error instanceof CollateralFetchError)) throw error
            onFailure?.(error, id)
            return undefined
          }
        }),
      )
      return new Map(found.filter((entry) => entry !== undefined))
    },
  }
}

/** One document: of this id, and of the digest beside it. Its signature is the verifier's question. */
async function fetchRim(
  fetch: Fetch,
  base: string,
  id: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!/^NV_[0-9A-Za-z_.]{1,120}$/.test(id)) {
    throw new CollateralFetchError('FETCH_REQUEST_INVALID', 'RIM: expected an id of NVIDIA')
  }
  const url = `${base}/v1/rim/${id}`
  const { body } = await fetchAnswer(fetch, url, MAX_ANSWER_BYTES, signal)
  const invalid = (what: string): CollateralFetchError =>
    new CollateralFetchError('FETCH_BODY_INVALID', `${url}: expected ${what}`)
  const answer = objectOf(body)
  if (answer === undefined) throw invalid('an object in JSON')
  if (answer['id'] !== id) throw invalid(`id ${id}`)
  const document = typeof answer['rim'] === 'string' ? readBase64(answer['rim']) : undefined
  if (document === undefined) throw invalid('rim in base64')
  if (answer['sha256'] !== toBareHex(sha256(document))) throw invalid('the digest of rim')
  return document
}

function objectOf(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(body), {
      maxDepth: 8,
    })
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch (error) {
    if (error instanceof JsonError || error instanceof TypeError) return undefined
    throw error
  }
}
