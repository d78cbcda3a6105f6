import {
  fromBareHex,
  RUNTIME_EVENT_TYPE,
  runtimeEventDigest,
  toBareHex,
} from '@jeju/verifier/protocol'
import { z } from 'zod'
import { GuestAgentError } from '../guest-agent/guest-agent.ts'

const entries = z.array(
  z.looseObject({
    imr: z.number().int(),
    event_type: z.number().int(),
    digest: z.string(),
    event: z.string(),
    event_payload: z.string().regex(/^([0-9a-fA-F]{2})*$/),
    version: z.number().int().optional(),
  }),
)

/**
 * The guest agent's log with a digest on every event. dstack leaves them out for RTMR3, and clients in the field that
 * replay what is served then see another register. Nobody has to believe them: each is a hash of name and payload.
 * @throws GuestAgentError `GUEST_AGENT_ANSWER`
 */
export function fillEventLog(eventLog: string): string {
  const parsed = entries.safeParse(jsonOf(eventLog))
  if (!parsed.success) throw malformed()
  return JSON.stringify(
    parsed.data.map((entry) =>
      entry.imr === 3 && entry.event_type === RUNTIME_EVENT_TYPE
        ? { ...entry, digest: toBareHex(digestOf(entry)) }
        : entry,
    ),
  )
}

function digestOf({
  event,
  event_payload,
  version = 1,
}: z.infer<typeof entries>[number]): Uint8Array {
  return runtimeEventDigest(event, fromBareHex(event_payload), version === 1 ? 1 : 2)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed()
  }
}

function malformed(): GuestAgentError {
  return new GuestAgentError('GUEST_AGENT_ANSWER', 'GetQuote.event_log: malformed')
}
