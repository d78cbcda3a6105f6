import type { JSONWebKeySet } from 'jose'
import { toBase64 } from '../bytes/base64.ts'
import { fromBase64Url } from '../bytes/base64url.ts'
import { utf8 } from '../bytes/bytes.ts'
import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { NRAS_ISSUER } from '../gpu/nras/nras-issuer.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { fetchAnswer, withDeadline, type Fetch } from './fetch-answer.ts'
import { safeUrl } from './service.ts'

/** NVIDIA's Remote Attestation Service. Its key set is not signed: a copy elsewhere is not as good. */
export const NVIDIA_NRAS_URL: string = NRAS_ISSUER

/** The service fetches reference values and certificate status itself. */
const DEFAULT_TIMEOUT_MS = 20_000
/** What a verifier reads of an answer, and more than twice the 36 keys with chains that the service has. */
const MAX_ANSWER_BYTES: number = 512 * 1024
const MAX_KEYS = 128
const MAX_DEPTH = 8
/** Keys are added about daily; one that is not known yet is asked for at once, but not more often than that. */
const KEYS_LIFE_MS = 3600 * 1000
const KEYS_AGAIN_MS = 60 * 1000

/** Settings of a client. */
export interface NrasClientOptions {
  readonly fetch: Fetch
  /** https, or http on loopback. NVIDIA's service by default. */
  readonly baseUrl?: string
  readonly now: () => Date
  /** For one answer; 20 s by default. */
  readonly timeoutMs?: number
  /** Told of every answer that could not be had. */
  readonly onFailure?: (error: CollateralFetchError) => void
}

/**
 * Asks NVIDIA's service what it thinks of devices. It learns which devices are judged and when: their reports and
 * certificates are sent, and nothing else. Answers are not kept, since each is about one nonce, and not judged here.
 */
export interface NrasClient {
  /** Address that answers and keys come from, without a slash behind it. */
  readonly url: string
  /**
   * Exact answers about these devices, which answered that nonce (64 hex digits): one for each kind and architecture.
   * None where one of them could not be had. Never rejects.
   */
  answersFor(devices: readonly GpuDeviceEvidence[], nonce: string): Promise<readonly string[]>
  /**
   * The service's key set, kept for an hour; asked for again, once a minute at most, where these answers name a key that
   * it lacks. Undefined where it could not be had. Never rejects.
   */
  jwks(answers?: readonly string[]): Promise<JSONWebKeySet | undefined>
}

interface KeptKeys {
  readonly keys: Promise<JSONWebKeySet>
  readonly fetchedAt: number
}

/** A client of one service. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createNrasClient(options: NrasClientOptions): NrasClient {
  const { fetch, now, timeoutMs = DEFAULT_TIMEOUT_MS, onFailure } = options
  const url = safeUrl(options.baseUrl ?? NVIDIA_NRAS_URL, 'baseUrl').href.replace(/\/+$/, '')
  let kept: KeptKeys | undefined

  const fetchedKeys = (at: number): Promise<JSONWebKeySet> => {
    const keys = withDeadline(timeoutMs, (signal) => fetchKeys(fetch, url, signal))
    const own = { keys, fetchedAt: at }
    kept = own
    // What failed is asked for again by whoever comes next.
    keys.catch(() => {
      if (kept === own) kept = undefined
    })
    return keys
  }
  const keysFor = async (answers: readonly string[]): Promise<JSONWebKeySet> => {
    const at = now().getTime()
    if (kept === undefined || at >= kept.fetchedAt + KEYS_LIFE_MS) return fetchedKeys(at)
    const { keys, fetchedAt } = kept
    const known = await keys
    const ids = new Set(known.keys.map(({ kid }) => kid))
    const lacksNone = answers.flatMap(keyIdsOf).every((id) => ids.has(id))
    if (lacksNone || at < fetchedAt + KEYS_AGAIN_MS) return known
    return fetchedKeys(at)
  }
  const orUndefined = async <Value>(work: Promise<Value>): Promise<Value | undefined> => {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof CollateralFetchError)) throw error
      onFailure?.(error)
      return undefined
    }
  }
  return {
    url,
    answersFor: async (devices, nonce) => {
      const answers = await Promise.all(
        groupsOf(devices).map((group) =>
          orUndefined(
            withDeadline(timeoutMs, (signal) => fetchAppraisal(fetch, url, group, nonce, signal)),
          ),
        ),
      )
      const had = answers.filter((answer) => answer !== undefined)
      return had.length === answers.length ? had : []
    },
    jwks: (answers = []) => orUndefined(keysFor(answers)),
  }
}

/** One question is about one kind and architecture. */
function groupsOf(
  devices: readonly GpuDeviceEvidence[],
): readonly (readonly [GpuDeviceEvidence, ...GpuDeviceEvidence[]])[] {
  const groups = new Map<string, [GpuDeviceEvidence, ...GpuDeviceEvidence[]]>()
  for (const device of devices) {
    const name = `${device.kind} ${device.architecture}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [device])
    else group.push(device)
  }
  return [...groups.values()]
}

/** Asks about devices of one kind; what comes is JSON, and its tokens are the verifier's question. */
async function fetchAppraisal(
  fetch: Fetch,
  base: string,
  group: readonly [GpuDeviceEvidence, ...GpuDeviceEvidence[]],
  nonce: string,
  signal: AbortSignal,
): Promise<string> {
  if (!/^[0-9a-f]{64}$/.test(nonce)) {
    throw new CollateralFetchError('FETCH_REQUEST_INVALID', 'NRAS: expected 32 bytes in hex')
  }
  const [{ kind, architecture }] = group
  const url = `${base}/v4/attest/${kind}`
  const question = {
    nonce,
    arch: architecture,
    evidence_list: group.map(({ report, certificates }) => ({
      evidence: toBase64(report),
      certificate: toBase64(utf8(certificates.replace(/\0$/, ''))),
    })),
    claims_version: '3.0',
  }
  const { body } = await fetchAnswer(fetch, url, MAX_ANSWER_BYTES, signal, {
    contentType: 'application/json',
    body: new Uint8Array(utf8(JSON.stringify(question))),
  })
  const { text, value } = jsonOf(body, url)
  if (!Array.isArray(value)) throw invalid(url, 'an array of tokens')
  return text
}

async function fetchKeys(fetch: Fetch, base: string, signal: AbortSignal): Promise<JSONWebKeySet> {
  const url = `${base}/.well-known/jwks.json`
  const { value } = jsonOf((await fetchAnswer(fetch, url, MAX_ANSWER_BYTES, signal)).body, url)
  if (!isKeySet(value)) throw invalid(url, `a key set (RFC 7517) of 1 to ${MAX_KEYS} keys`)
  return value
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false
  const { keys } = value
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) return false
  return keys.every((key: unknown) => typeof key === 'object' && key !== null)
}

function jsonOf(body: Uint8Array, url: string): { readonly text: string; readonly value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { text, value: parseStrictJson(text, { maxDepth: MAX_DEPTH }) }
  } catch (error) {
    if (error instanceof JsonError || error instanceof TypeError) throw invalid(url, 'JSON')
    throw error
  }
}

/** Keys that the headers of tokens name. Nobody has verified them: they only say whether to ask again. */
function keyIdsOf(answer: string): readonly string[] {
  return [...answer.matchAll(/"([A-Za-z0-9_-]{1,1024})\./g)].flatMap(([, header = '']) => {
    const named = /"kid":"([^"\\]{1,256})"/.exec(headerOf(header))?.[1]
    return named === undefined ? [] : [named]
  })
}

function headerOf(text: string): string {
  try {
    return new TextDecoder().decode(fromBase64Url(text))
  } catch (error) {
    if (error instanceof ProtocolError) return ''
    throw error
  }
}

function invalid(url: string, what: string): CollateralFetchError {
  return new CollateralFetchError('FETCH_BODY_INVALID', `${url}: expected ${what}`)
}
