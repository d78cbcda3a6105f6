import { byteKey } from '../bytes/byte-key.ts'
import { Recent } from '../bytes/recent.ts'
import { DER, DerError, DerReader, smallInteger } from '../x509/der.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { fetchAnswer, withDeadline, type Fetch } from './fetch-answer.ts'
import { safeUrl } from './service.ts'

/** NVIDIA's OCSP service. Its answers are signed: a copy elsewhere is as good. */
export const NVIDIA_OCSP_URL = 'https://ocsp.ndis.nvidia.com'

const DEFAULT_TIMEOUT_MS = 10_000
/** Above devices there are few certificates, and of every device one. */
const MAX_ENTRIES = 4096
/** NVIDIA's answers are in force for a day; a revocation is seen within this. */
const LIFE_MS = 3600 * 1000
const MAX_ANSWER_BYTES = 8192
/** Of one machine: three for each of 64 devices, and the signers of their documents. */
const MAX_REQUESTS = 256
/** RFC 6960 §4.2.1. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [1, 'malformedRequest'],
  [2, 'internalError'],
  [3, 'tryLater'],
  [5, 'sigRequired'],
  [6, 'unauthorized'],
])

/** Settings of a client. */
export interface OcspClientOptions {
  readonly fetch: Fetch
  /** https, or http on loopback. NVIDIA's service by default. */
  readonly baseUrl?: string
  readonly now: () => Date
  /** For one answer; 10 s by default. */
  readonly timeoutMs?: number
  /** Told of every answer that could not be had. */
  readonly onFailure?: (error: CollateralFetchError) => void
}

/** Asks for the status of certificates (RFC 6960 over HTTP) and keeps answers for an hour. None is judged yet. */
export interface OcspClient {
  /** Answers to these requests, in DER; what could not be had is left out. Never rejects. */
  answersTo(requests: readonly Uint8Array[]): Promise<readonly Uint8Array[]>
}

interface KeptAnswer {
  readonly answer: Promise<Uint8Array>
  readonly until: number
}

/** A client of one service. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createOcspClient(options: OcspClientOptions): OcspClient {
  const { fetch, now, timeoutMs = DEFAULT_TIMEOUT_MS, onFailure } = options
  const url = safeUrl(options.baseUrl ?? NVIDIA_OCSP_URL, 'baseUrl').href
  const kept = new Recent<KeptAnswer>(MAX_ENTRIES)

  const answerTo = (request: Uint8Array): Promise<Uint8Array> => {
    const id = byteKey(request)
    const at = now().getTime()
    const known = kept.get(id)
    if (known !== undefined && at < known.until) return known.answer
    const body = new Uint8Array(request)
    const answer = withDeadline(timeoutMs, (signal) => fetchStatus(fetch, url, body, signal))
    kept.set(id, { answer, until: at + LIFE_MS })
    // What failed is asked for again by whoever comes next.
    answer.catch(() => {
      if (kept.get(id)?.answer === answer) kept.set(id, { answer, until: 0 })
    })
    return answer
  }
  return {
    answersTo: async (requests) => {
      const answers = await Promise.all(
        requests.slice(0, MAX_REQUESTS).map(async (request) => {
          try {
            return await answerTo(request)
          } catch (error) {
            if (!(error instanceof CollateralFetchError)) throw error
            onFailure?.(error)
            return undefined
          }
        }),
      )
      return answers.filter((answer) => answer !== undefined)
    },
  }
}

async function fetchStatus(
  fetch: Fetch,
  url: string,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const question = { contentType: 'application/ocsp-request', body }
  const answer = await fetchAnswer(fetch, url, MAX_ANSWER_BYTES, signal, question)
  const status = statusOf(answer.body)
  if (status !== 0) {
    const said = status === undefined ? 'none' : (REFUSALS.get(status) ?? String(status))
    const text = `${url}: expected an OCSP answer that is successful, got ${said}`
    throw new CollateralFetchError('FETCH_BODY_INVALID', text)
  }
  return answer.body
}

/** Of a responder that refuses, the answer holds nothing else. */
function statusOf(der: Uint8Array): number | undefined {
  try {
    const outer = new DerReader(der, 'ocsp').inside(DER.sequence, 'response')
    return smallInteger(outer.content(DER.enumerated, 'responseStatus'), 255, 'ocsp')
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}
