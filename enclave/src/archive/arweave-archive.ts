import { ArchiveError, arweaveId, arweaveLocator, readArweave } from '@jeju/verifier/archive'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { Fetch } from '../egress/guarded-fetch.ts'
import type { Archive } from './archive.ts'
import { makeDataItem } from './data-item.ts'

/** What {@link createArweaveArchive} needs. */
export interface ArweaveArchiveOptions {
  /** Where data items are posted: a bundler that answers `{"id"}`. */
  readonly uploadUrl: string
  /** Origins that content is read from, in this order. */
  readonly gateways: readonly string[]
  /** secp256k1: owner of the items. */
  readonly privateKey: Uint8Array
  readonly fetch: Fetch
}

const UPLOAD_TIMEOUT_MS = 60_000
const MAX_ANSWER_BYTES = 64 * 1024

const uploaded = z.object({ id: z.string() })

/** Arweave through a bundler, which pays and bundles; what it promised is believed when a gateway gives the content back. */
export function createArweaveArchive(options: ArweaveArchiveOptions): Archive {
  const { uploadUrl, gateways, privateKey } = options
  const fetchUntil =
    (signal?: AbortSignal) =>
    (url: string, init: RequestInit): Promise<Response> => {
      const signals = [init.signal, signal].filter((one) => one instanceof AbortSignal)
      return options.fetch(url, { ...init, signal: AbortSignal.any(signals) })
    }
  return {
    pack: (content, tags) => {
      const { id, bytes } = makeDataItem(content, tags, privateKey)
      return { digest: toHex(sha256(content)), locator: arweaveLocator(id), payload: bytes }
    },
    store: async ({ locator, payload }, signal) => {
      const id = arweaveId(locator)
      const { status, id: answered } = await post(fetchUntil(signal), uploadUrl, payload)
      // Who has it already says so without naming it; whether he does is for the gateways to show.
      if (status === 202 && answered === undefined) return
      if (answered !== id) {
        throw new ArchiveError('ARCHIVE_UNAVAILABLE', `${uploadUrl}: took it as another item`)
      }
    },
    get: (locator, digest, signal) =>
      readArweave(locator, digest, { fetch: fetchUntil(signal), gateways }),
  }
}

async function post(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  payload: Uint8Array,
): Promise<{ readonly status: number; readonly id: string | undefined }> {
  const unavailable = (text: string, cause?: unknown): ArchiveError =>
    new ArchiveError('ARCHIVE_UNAVAILABLE', `${url}: ${text}`, { cause })
  let answer: { readonly status: number; readonly text: string }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(payload),
      redirect: 'error',
      signal: AbortSignal.timeout(UPLOAD_TIMEOUT_MS),
    })
    answer = { status: response.status, text: await readText(response) }
  } catch (cause) {
    throw unavailable('no answer', cause)
  }
  const { status, text } = answer
  // 202: it has it already, or is about to.
  if (status !== 200 && status !== 201 && status !== 202) throw unavailable(`status ${status}`)
  return { status, id: idIn(text) }
}

async function readText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > MAX_ANSWER_BYTES) throw new RangeError('a long answer')
  }
  return text
}

function idIn(text: string): string | undefined {
  try {
    return uploaded.safeParse(JSON.parse(text)).data?.id
  } catch {
    return undefined
  }
}
