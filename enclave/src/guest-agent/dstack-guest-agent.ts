import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { DstackClient } from '@phala/dstack-sdk'
import { equalBytes, fromBareHex, ProtocolError, utf8 } from '@jeju/verifier/protocol'
import {
  GuestAgentError,
  type GuestAgent,
  type PlatformInfo,
  type PlatformKey,
  type PlatformQuote,
} from './guest-agent.ts'

/** A quote can wait behind others: the platform makes one at a time. */
const CALL_TIMEOUT_MS = 60_000
/** How long the socket may be absent while the guest boots. */
const SOCKET_TIMEOUT_MS = 30_000
const SOCKET_POLL_MS = 200

const REPORT_DATA_OFFSET = 568
const REPORT_DATA_BYTES = 64
const KEY_BYTES = 32
const LINK_BYTES = 65
const INSTANCE_ID_BYTES = 20

/**
 * The guest agent through dstack's SDK, v0 surface; the only file that knows it. The SDK passes on whatever the
 * socket answers, error bodies included, so every field is checked here, and it takes text as text: report data is
 * handed over as bytes only.
 * @throws GuestAgentError `GUEST_AGENT_UNAVAILABLE` when the socket does not appear
 */
export async function connectGuestAgent(socketPath: string): Promise<GuestAgent> {
  const deadline = Date.now() + SOCKET_TIMEOUT_MS
  while (!existsSync(socketPath)) {
    if (Date.now() > deadline) {
      throw new GuestAgentError('GUEST_AGENT_UNAVAILABLE', `no guest agent at ${socketPath}`)
    }
    await delay(SOCKET_POLL_MS)
  }
  const client = new DstackClient(socketPath)
  return {
    getKey: (path, purpose, algorithm) =>
      call('GetKey', async () => readKey(await client.getKey(path, purpose, algorithm))),
    quote: (reportData) =>
      call('GetQuote', async () =>
        readQuote(await client.getQuote(Buffer.from(reportData)), reportData),
      ),
    info: () => call('Info', async () => readInfo(await client.info())),
  }
}

async function call<Answer>(method: string, make: () => Promise<Answer>): Promise<Answer> {
  const timeout = new AbortController()
  const late = delay(CALL_TIMEOUT_MS, undefined, { signal: timeout.signal, ref: false }).then(
    () => {
      throw new GuestAgentError('GUEST_AGENT_UNAVAILABLE', `${method}: no answer in time`)
    },
  )
  // The rejection of an aborted timer is nobody's business.
  late.catch(() => undefined)
  try {
    return await Promise.race([make(), late])
  } catch (cause) {
    if (cause instanceof GuestAgentError) throw cause
    // Without the cause: an SDK error may carry the answer, and the answer may be a key.
    const what = cause instanceof ProtocolError ? cause.message : 'not the expected answer'
    throw new GuestAgentError('GUEST_AGENT_ANSWER', `${method}: ${what}`)
  } finally {
    timeout.abort()
  }
}

function readKey(answer: {
  readonly key: Uint8Array
  readonly signature_chain: readonly Uint8Array[]
}): PlatformKey {
  const [first, second, ...others] = answer.signature_chain
  if (first === undefined || second === undefined || others.length > 0) {
    throw wrong('GetKey.signature_chain: expected two links')
  }
  return {
    key: sized(answer.key, KEY_BYTES, 'GetKey.key'),
    signatureChain: [
      sized(first, LINK_BYTES, 'GetKey.signature_chain[0]'),
      sized(second, LINK_BYTES, 'GetKey.signature_chain[1]'),
    ],
  }
}

function readQuote(
  answer: { readonly quote: string; readonly event_log: string; readonly vm_config?: string },
  reportData: Uint8Array,
): PlatformQuote {
  const quote = fromBareHex(answer.quote.replace(/^0x/, ''), undefined, 'GetQuote.quote')
  const carried = quote.subarray(REPORT_DATA_OFFSET, REPORT_DATA_OFFSET + REPORT_DATA_BYTES)
  if (!equalBytes(carried, reportData)) {
    throw wrong('GetQuote.quote: carries other report data than was asked for')
  }
  return { quote, eventLog: answer.event_log, vmConfig: answer.vm_config ?? '' }
}

function readInfo(answer: {
  readonly instance_id: string
  readonly tcb_info: { readonly app_compose: string }
}): PlatformInfo {
  return {
    instanceId: fromBareHex(answer.instance_id, INSTANCE_ID_BYTES, 'Info.instance_id'),
    appCompose: utf8(answer.tcb_info.app_compose),
  }
}

function sized(bytes: Uint8Array, length: number, place: string): Uint8Array {
  if (bytes.length !== length) throw wrong(`${place}: expected ${length} bytes`)
  return Uint8Array.from(bytes)
}

function wrong(message: string): GuestAgentError {
  return new GuestAgentError('GUEST_AGENT_ANSWER', message)
}
