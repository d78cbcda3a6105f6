import { MAX_REQUEST_BYTES } from '@jeju/verifier/protocol'
import { NodeError } from './node-error.ts'

/** Reads request bodies within limits. */
export interface BodyReader {
  /**
   * The body as sent, counted while it is read: a length header is only a hint. `owner` is whose authorised request it is;
   * the bodies of everybody else have few places of their own, and keep none of his waiting.
   * @throws NodeError `body_too_large`, `request_timeout`, `too_many_requests`, `invalid_request`
   */
  read(request: Request, owner?: string): Promise<Uint8Array>
}

/** Numbers of {@link createBodyReader}. */
export interface BodyLimits {
  /** A body has to be there by then. */
  readonly timeoutMs: number
  /** Authorised bodies that are read at the same time. */
  readonly concurrent: number
  /** Of these, those of one owner. */
  readonly ofOneOwner: number
  /** Bodies that nobody authorised, beside them. */
  readonly ofStrangers: number
  /** Of one body; MAX_REQUEST_BYTES when absent. */
  readonly maxBytes?: number
}

/** A stated length; the server reads no body that is longer. */
const LENGTH = /^[0-9]{1,7}$/

/** No owner has this name: theirs are channel ids. */
const STRANGERS = ''

/** A reader of bodies; memory and time it takes are bounded, whoever sends. */
export function createBodyReader(limits: BodyLimits): BodyReader {
  const { timeoutMs, concurrent, ofOneOwner, ofStrangers, maxBytes = MAX_REQUEST_BYTES } = limits
  const reading = new Map<string, number>()
  let owned = 0
  /** Takes a place; returns what gives it back. */
  const enter = (owner: string | undefined): (() => void) => {
    const name = owner ?? STRANGERS
    const mine = reading.get(name) ?? 0
    const isFull =
      owner === undefined ? mine >= ofStrangers : mine >= ofOneOwner || owned >= concurrent
    if (isFull) throw new NodeError('too_many_requests', 'too many bodies are on their way')
    reading.set(name, mine + 1)
    if (owner !== undefined) owned++
    return () => {
      const left = (reading.get(name) ?? 1) - 1
      if (left === 0) reading.delete(name)
      else reading.set(name, left)
      if (owner !== undefined) owned--
    }
  }
  return {
    read: async (request, owner) => {
      const header = request.headers.get('content-length')
      if (Number(header ?? 0) > maxBytes) throw tooLarge(maxBytes)
      // Of a length that is stated the server takes no more: it is read at once, and no stream is made of it.
      const isBounded =
        header !== null && LENGTH.test(header) && !request.headers.has('transfer-encoding')
      if (!isBounded && request.body === null) return new Uint8Array(0)
      const leave = enter(owner)
      const limit = deadline(timeoutMs)
      try {
        return await (isBounded ? readStated : readStream)(request, maxBytes, limit.passed)
      } finally {
        limit.clear()
        leave()
      }
    },
  }
}

/** Late or gone, what is still on its way goes down with the connection. */
async function readStated(
  request: Request,
  maxBytes: number,
  passed: Promise<'late'>,
): Promise<Uint8Array> {
  const whole = request.arrayBuffer().catch(() => 'gone' as const)
  const body = await Promise.race([whole, passed])
  if (body === 'late') throw late()
  if (body === 'gone') throw gone()
  if (body.byteLength > maxBytes) throw tooLarge(maxBytes)
  return new Uint8Array(body)
}

async function readStream(
  { body }: Request,
  maxBytes: number,
  passed: Promise<'late'>,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0)
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
  try {
    return await readAll(reader, maxBytes, passed)
  } catch (error) {
    // What is still on its way is not waited for.
    reader.cancel().catch(() => undefined)
    throw error
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  passed: Promise<'late'>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const next = await Promise.race([reader.read().catch(() => 'gone' as const), passed])
    if (next === 'late') throw late()
    if (next === 'gone') throw gone()
    if (next.value === undefined) return new Uint8Array(Buffer.concat(parts))
    length += next.value.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    parts.push(next.value)
  }
}

function deadline(ms: number): { readonly passed: Promise<'late'>; readonly clear: () => void } {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  return { passed, clear: () => clearTimeout(timer) }
}

function late(): NodeError {
  return new NodeError('request_timeout', 'body: not received in time')
}

/** Whoever sent it left; anybody can, so it is no fault to report. */
function gone(): NodeError {
  return new NodeError('invalid_request', 'body: not received whole')
}

function tooLarge(maxBytes: number): NodeError {
  return new NodeError('body_too_large', `body: more than ${maxBytes} bytes`)
}
