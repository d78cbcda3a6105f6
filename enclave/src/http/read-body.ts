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
      const stated = Number(request.headers.get('content-length') ?? 0)
      if (stated > maxBytes) throw tooLarge(maxBytes)
      if (request.body === null) return new Uint8Array(0)
      const leave = enter(owner)
      const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
      const late = deadline(timeoutMs)
      try {
        return await readAll(reader, maxBytes, late.passed)
      } catch (error) {
        // What is still on its way is not waited for.
        reader.cancel().catch(() => undefined)
        throw error
      } finally {
        late.clear()
        leave()
      }
    },
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
    if (next === 'late') throw new NodeError('request_timeout', 'body: not received in time')
    // Whoever sent it left; anybody can, so it is no fault to report.
    if (next === 'gone') throw new NodeError('invalid_request', 'body: not received whole')
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

function tooLarge(maxBytes: number): NodeError {
  return new NodeError('body_too_large', `body: more than ${maxBytes} bytes`)
}
