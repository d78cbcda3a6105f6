import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { REQUEST_ID_HEADER } from '../http/app.ts'
import type { AnswerJudge, JudgedRequest } from './answer-judge.ts'
import type { Dues } from './funding.ts'
import { answerHeaders } from './header-allowlist.ts'
import type { SentPrompt } from './send-first.ts'

/** Header that says what the gateway has verified when the first byte of an answer leaves (docs/protocol.md §8). */
const VERDICT_HEADER = 'compute-verdict'
/** Header that says which binding answers. */
const BINDING_HEADER = 'compute-binding'

/**
 * What the gateway vouches for: `verified` a whole answer; `streaming`: its end is given out only when it is verified;
 * `sealed`: a stream whose receipt only its reader can open; `none`: a refusal, which nobody signs.
 */
export type PassedVerdict = 'verified' | 'streaming' | 'sealed' | 'none'

/** What became of an answer. */
export interface Passed {
  readonly outcome: PassedVerdict | 'not-verified' | 'unpaid'
  readonly bytes: number
}

/** Where an answer goes, and by whom it is judged. */
export interface PassParts extends JudgedRequest {
  /** Whether prompt and answer are sealed. A node that seals an answer to a plain prompt only hides it from judgement. */
  readonly isSealed: boolean
  readonly response: ServerResponse
  readonly judge: AnswerJudge
  /** What the caller owes for a good answer. */
  readonly dues: Dues | undefined
}

/** Writes status and headers; with the verdict and who answers. */
export function beginAnswer(
  { answer, attempt }: SentPrompt,
  verdict: PassedVerdict,
  { response, requestId }: Pick<PassParts, 'response' | 'requestId'>,
  more: Readonly<Record<string, string | number>> = {},
): void {
  // All at once: a header that was set before makes Node look at each of them one by one.
  response.writeHead(answer.status, {
    [REQUEST_ID_HEADER]: requestId,
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
