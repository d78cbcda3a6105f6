import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { DstackClient } from '@phala/dstack-sdk'
import { equalBytes, fromBareHex, sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { z } from 'zod'
import {
  GuestAgentError,
  type GuestAgent,
  type PlatformInfo,
  type PlatformKey,
  type PlatformQuote,
  type PlatformTlsKey,
} from './guest-agent.ts'

/** How long to wait; the defaults fit a booting guest, whose agent makes one quote at a time. */
export interface GuestAgentTimes {
  readonly callTimeoutMs: number
  /** How long the socket may be absent or refuse: the agent starts late, and restarts. */
  readonly absenceMs: number
}

const DEFAULT_TIMES: GuestAgentTimes = { callTimeoutMs: 30_000, absenceMs: 30_000 }
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

/** TDX quote v4: header of 48 bytes, report data at 520 of the body. */
const REPORT_DATA_OFFSET = 568
const REPORT_DATA_BYTES = 64
const MAX_TEXT_CHARACTERS = 1024 * 1024

const bareHex = (bytes: number): z.ZodType<string> =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))
const sized = (length: number): z.ZodType<Uint8Array> =>
  z.instanceof(Uint8Array).refine((bytes) => bytes.length === length, `expected ${length} bytes`)

const keyAnswer = z.object({
  key: sized(32),
  signature_chain: z.tuple([sized(65), sized(65)]),
})
const quoteAnswer = z.object({
  quote: z.string().regex(/^([0-9a-f]{2})+$/),
  event_log: z.string().min(2).max(MAX_TEXT_CHARACTERS),
  vm_config: z.string().max(MAX_TEXT_CHARACTERS).default(''),
})
const tlsKeyAnswer = z.object({
  key: z.string().startsWith('-----BEGIN PRIVATE KEY-----').max(8192),
  certificate_chain: z
    .array(
      z
        .string()
        .startsWith('-----BEGIN CERTIFICATE-----')
        .max(64 * 1024),
    )
    .min(1)
    .max(8),
})
const infoAnswer = z.object({
  instance_id: bareHex(20),
  tcb_info: z.object({ app_compose: z.string().min(2), compose_hash: bareHex(32) }),
})

/**
 * The guest agent through dstack's SDK, v0 surface; the only file that knows it. The SDK passes on whatever the
 * socket answers, error bodies included, so every field is checked here, and it takes text as text: report data is
 * handed over as bytes only.
 * @throws GuestAgentError `GUEST_AGENT_UNAVAILABLE` when the socket does not appear
 */
export async function connectGuestAgent(
  socketPath: string,
  times: GuestAgentTimes = DEFAULT_TIMES,
): Promise<GuestAgent> {
  const call = <Answer>(
    method: string,
    make: (client: DstackClient) => Promise<Answer>,
  ): Promise<Answer> =>
    whileAbsent(method, times, async () => {
      if (!existsSync(socketPath)) throw absent(`no socket at ${socketPath}`)
      return inTime(method, times.callTimeoutMs, make(new DstackClient(socketPath)))
    })
  const agent: GuestAgent = {
    getKey: (path, purpose, algorithm) =>
      call('GetKey', async (client) => readKey(await client.getKey(path, purpose, algorithm))),
    quote: (reportData) =>
      call('GetQuote', async (client) =>
        readQuote(await client.getQuote(Buffer.from(reportData)), reportData),
      ),
    info: () => call('Info', async (client) => readInfo(await client.info())),
    tlsKey: (domain) =>
      call('GetTlsKey', async (client) =>
        readTlsKey(
          await client.getTlsKey({
            subject: domain,
            altNames: [domain],
            usageRaTls: true,
            usageServerAuth: true,
          }),
        ),
      ),
  }
  await agent.info()
  return agent
}

/** Repeats a call while nobody listens; every method here gives the same answer when asked twice. */
async function whileAbsent<Answer>(
  method: string,
  { absenceMs }: GuestAgentTimes,
  make: () => Promise<Answer>,
): Promise<Answer> {
  const deadline = Date.now() + absenceMs
  for (let wait = FIRST_RETRY_MS; ; wait = Math.min(2 * wait, MAX_RETRY_MS)) {
    try {
      return await make()
    } catch (error) {
      if (error instanceof GuestAgentError && error.code === 'GUEST_AGENT_ANSWER') throw error
      if (!isAbsence(error)) throw refusal(method, error)
      if (Date.now() + wait > deadline) throw absent(`${method}: nobody listens on the socket`)
      await delay(wait)
    }
  }
}

async function inTime<Answer>(
  method: string,
  timeoutMs: number,
  answer: Promise<Answer>,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const text = `${method}: no answer in ${timeoutMs} ms`
    timer = setTimeout(() => reject(new GuestAgentError('GUEST_AGENT_TIMEOUT', text)), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

const ABSENCE = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EACCES']

function isAbsence(error: unknown): boolean {
  if (error instanceof GuestAgentError) return error.code === 'GUEST_AGENT_UNAVAILABLE'
  return error instanceof Error && 'code' in error && ABSENCE.includes(String(error.code))
}

function absent(message: string): GuestAgentError {
  return new GuestAgentError('GUEST_AGENT_UNAVAILABLE', message)
}

/** Without the cause: an SDK error may carry the answer, and the answer may be a key. */
function refusal(method: string, error: unknown): GuestAgentError {
  if (error instanceof GuestAgentError) return error
  return new GuestAgentError('GUEST_AGENT_ANSWER', `${method}: not the expected answer`)
}

function read<Answer>(method: string, schema: z.ZodType<Answer>, answer: unknown): Answer {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  // The field only: zod's own message could repeat a value.
  throw wrong(`${method}.${parsed.error.issues[0]?.path.join('.') ?? ''}: malformed`)
}

function readKey(answer: unknown): PlatformKey {
  const { key, signature_chain } = read('GetKey', keyAnswer, answer)
  return { key, signatureChain: signature_chain }
}

function readQuote(answer: unknown, reportData: Uint8Array): PlatformQuote {
  const { quote: hex, event_log, vm_config } = read('GetQuote', quoteAnswer, answer)
  const quote = fromBareHex(hex)
  const carried = quote.subarray(REPORT_DATA_OFFSET, REPORT_DATA_OFFSET + REPORT_DATA_BYTES)
  if (!equalBytes(carried, reportData)) {
    throw wrong('GetQuote.quote: carries other report data than was asked for')
  }
  return { quote, eventLog: event_log, vmConfig: vm_config }
}

function readTlsKey(answer: unknown): PlatformTlsKey {
  const { key, certificate_chain } = read('GetTlsKey', tlsKeyAnswer, answer)
  return { privateKey: key, certificateChain: certificate_chain }
}

/** The SDK joins chunks as text, which can spoil non-ASCII compose bytes: they must still have their own hash. */
function readInfo(answer: unknown): PlatformInfo {
  const { instance_id, tcb_info } = read('Info', infoAnswer, answer)
  const appCompose = utf8(tcb_info.app_compose)
  if (toBareHex(sha256(appCompose)) !== tcb_info.compose_hash) {
    throw wrong('Info.tcb_info.app_compose: does not have the compose hash beside it')
  }
  return { instanceId: fromBareHex(instance_id), appCompose }
}

function wrong(message: string): GuestAgentError {
  return new GuestAgentError('GUEST_AGENT_ANSWER', message)
}
