import { PROMPT_ENDPOINTS } from '@jeju/verifier/protocol'
import {
  beginAnswer,
  writeBytes,
  type Passed,
  type PassedVerdict,
  type PassParts,
} from './outgoing-answer.ts'
import { passJson } from './pass-json.ts'
import { passStream } from './pass-stream.ts'
import type { SentPrompt } from './send-first.ts'

/**
 * Passes an answer on, bytes unmodified, no faster than its reader takes them. Rejects when either side breaks off.
 * @throws GatewayError `response_not_verified`, before any byte
 */
export async function passAnswer(sent: SentPrompt, parts: PassParts): Promise<Passed> {
  const { status, headers } = sent.answer
  if (status < 200 || status > 299) return passRaw(sent, 'none', parts)
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true
  const kind = PROMPT_ENDPOINTS[parts.path]
  // What streams where nothing should has to be signed for as a whole, as everything else.
  if (!isStream || kind === undefined) return passJson(sent, parts)
  return parts.isSealed ? passRaw(sent, 'sealed', parts) : passStream(sent, kind, parts)
}

async function passRaw(
  sent: SentPrompt,
  verdict: PassedVerdict,
  parts: PassParts,
): Promise<Passed> {
  const { response, dues } = parts
  // A refusal costs nothing.
  const isGood = sent.answer.status >= 200 && sent.answer.status <= 299
  // A stream whose end this gateway cannot judge.
  beginAnswer(sent, verdict, parts, isGood ? await dues?.collect() : {})
  response.flushHeaders()
  let bytes = 0
  for await (const chunk of sent.answer.body) {
    bytes += chunk.length
    await writeBytes(response, chunk)
  }
  response.end()
  return { outcome: verdict, bytes }
}
