import { CollateralFetchError } from './collateral-fetch-error.ts'

/** The `fetch` a client is given. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** A whole answer with status 200, from the address that was asked. */
export interface Answer {
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A body to be posted. */
export interface Question {
  readonly contentType: string
  readonly body: Uint8Array<ArrayBuffer>
}

/**
 * Asks one address, with a question where it takes one, and reads its answer up to `maxBytes`. Redirects are refused:
 * another host would be asked than the one that was configured.
 * @throws CollateralFetchError
 */
export async function fetchAnswer(
  fetch: Fetch,
  url: string,
  maxBytes: number,
  signal: AbortSignal,
  question?: Question,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      ...(question && {
        method: 'POST',
        headers: { 'Content-Type': question.contentType },
        body: question.body,
      }),
      signal,
      redirect: 'manual',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    })
    requireOwnAnswer(response, url)
    return { headers: response.headers, body: await readBody(response, maxBytes, url) }
  } catch (cause) {
    if (cause instanceof CollateralFetchError) throw cause
    throw new CollateralFetchError('FETCH_FAILED', `${url}: no whole answer`, { cause })
  }
}

function requireOwnAnswer(response: Response, url: string): void {
  const { status, type, redirected } = response
  // A given `fetch` may follow redirects all the same; a browser hides the status of one it did not follow.
  const elsewhere = redirected || (response.url !== '' && response.url !== url)
  if (elsewhere || type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    throw new CollateralFetchError('FETCH_REDIRECTED', `${url}: redirected`)
  }
  if (status !== 200) {
    throw new CollateralFetchError('FETCH_STATUS', `${url}: expected status 200, got ${status}`)
  }
}

async function readBody(response: Response, maxBytes: number, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maxBytes) {
      throw new CollateralFetchError('FETCH_TOO_LARGE', `${url}: more than ${maxBytes} bytes`)
    }
    chunks.push(value)
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/**
 * Runs work that must end in time, whether its requests heed the signal or not; what is left of them is given up.
 * @throws CollateralFetchError `FETCH_TIMEOUT`
 */
export async function withDeadline<Value>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new CollateralFetchError('FETCH_TIMEOUT', `no collateral within ${timeoutMs} ms`))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
}
