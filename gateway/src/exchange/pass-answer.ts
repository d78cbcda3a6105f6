import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { PROMPT_ENDPOINTS, type PromptPath } from '@jeju/verifier/protocol'
import { RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'
import type { AnswerJudge } from './answer-judge.ts'
import { answerHeaders } from './header-allowlist.ts'
import { passJson } from './pass-json.ts'
import { passStream } from './pass-stream.ts'
import type { SentPrompt } from './send-first.ts'

/** Header that says what the gateway has verified when the first byte of an answer leaves (docs/protocol.md §8). */
export const VERDICT_HEADER = 'compute-verdict'
/** Header that says which binding answers. */
export const BINDING_HEADER = 'compute-binding'

/**
 * What the gateway vouches for: `verified` a whole answer; `streaming`: its end is given out only when it is verified;
 * `sealed`: a stream whose receipt only its reader can open; `none`: a refusal, which nobody signs.
 */
export type PassedVerdict = 'verified' | 'streaming' | 'sealed' | 'none'

/** What became of an answer. */
export interface Passed {
  readonly outcome: PassedVerdict | 'not-verified'
  readonly bytes: number
}

/** Where an answer goes, and by whom it is judged. */
export interface PassParts {
  readonly path: PromptPath
  readonly requestBytes: number
  readonly response: ServerResponse
  readonly judge: AnswerJudge
}

/**
 * Passes an answer on, bytes unmodified, no faster than its reader takes them. Rejects when either side breaks off.
 * @throws GatewayError `response_not_verified`, before any byte
 */
export async function passAnswer(sent: SentPrompt, parts: PassParts): Promise<Passed> {
  const { status, headers } = sent.answer
  if (status < 200 || status > 299) return passRaw(sent, 'none', parts)
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true
  if (!isStream) return passJson(sent, parts)
  const kind = PROMPT_ENDPOINTS[parts.path]
  const isSealed = headers[RESPONSE_NONCE_HEADER] !== undefined
  return isSealed || kind === undefined
    ? passRaw(sent, isSealed ? 'sealed' : 'none', parts)
    : passStream(sent, kind, parts)
}

/** Writes status and headers; with the verdict and who answers. */
export function beginAnswer(
  { answer, attempt }: SentPrompt,
  verdict: PassedVerdict,
  response: ServerResponse,
  more: Readonly<Record<string, string | number>> = {},
): void {
  response.writeHead(answer.status, {
    ...answerHeaders(answer.headers),
    [VERDICT_HEADER]: verdict,
    [BINDING_HEADER]: attempt.lease.bindingId,
    ...more,
  })
}

/** Writes bytes, and waits while the reader is behind. Rejects when it has gone. */
export async function writeBytes(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.destroyed) throw new Error('the reader has gone')
  if (response.write(bytes) || response.writableNeedDrain === false) return
  const gone = new AbortController()
  try {
    await Promise.race([
      once(response, 'drain', { signal: gone.signal }),
      once(response, 'close', { signal: gone.signal }).then(() => {
        throw new Error('the reader has gone')
      }),
    ])
  } finally {
    gone.abort()
  }
}

async function passRaw(
  sent: SentPrompt,
  verdict: PassedVerdict,
  { response }: PassParts,
): Promise<Passed> {
  beginAnswer(sent, verdict, response)
  response.flushHeaders()
  let bytes = 0
  for await (const chunk of sent.answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    await writeBytes(response, chunk)
  }
  response.end()
  return { outcome: verdict, bytes }
}
