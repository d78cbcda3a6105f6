import { connect } from 'node:net'

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a connection gave back. */
export interface RawAnswers {
  readonly answers: readonly RawAnswer[]
  /** Bytes behind the last whole answer. */
  readonly rest: string
  /** Whether the server ended it. */
  readonly isEnded: boolean
}

/** How bytes are sent. */
export interface RawSending {
  /** Ends this side behind them. */
  readonly half?: boolean
  /** Answers that are waited for; 1 when absent. */
  readonly wait?: number
  /** When the test fails; ten seconds when absent. */
  readonly withinMs?: number
}

/**
 * Sends bytes as they are on a connection of their own and reads answers until the server ends it, or as many as were
 * waited for are there. A server that does neither in time fails the test.
 */
export async function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  { half = false, wait = 1, withinMs = 10_000 }: RawSending = {},
): Promise<RawAnswers> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  socket.write(bytes)
  if (half) socket.end()
  try {
    return await new Promise<RawAnswers>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`neither answer nor end: ${text}`)), withinMs)
      const settle = (isEnded: boolean): void => {
        const { answers, rest } = readAnswers(text)
        if (!isEnded && answers.length < wait) return
        clearTimeout(late)
        resolve({ answers, rest, isEnded })
      }
      socket.on('data', (chunk: string) => {
        text += chunk
        settle(false)
      })
      socket.on('end', () => settle(true))
      socket.on('close', () => settle(true))
    })
  } finally {
    socket.destroy()
  }
}

function readAnswers(text: string): {
  readonly answers: readonly RawAnswer[]
  readonly rest: string
} {
  const answers: RawAnswer[] = []
  let rest = text
  for (;;) {
    const one = readAnswer(rest)
    if (one === undefined) return { answers, rest }
    rest = rest.slice(one.length)
    // An interim answer is none.
    if (one.answer.status >= 200) answers.push(one.answer)
  }
}

function readAnswer(
  text: string,
): { readonly answer: RawAnswer; readonly length: number } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(first)?.[1])
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
    }),
  )
  const start = end + 4
  if (status < 200) return { answer: { status, headers, body: '' }, length: start }
  if (headers['transfer-encoding'] === 'chunked') return readChunks(text, start, status, headers)
  const length = Number(headers['content-length'] ?? 0)
  if (text.length < start + length) return undefined
  return {
    answer: { status, headers, body: text.slice(start, start + length) },
    length: start + length,
  }
}

function readChunks(
  text: string,
  start: number,
  status: number,
  headers: RawAnswer['headers'],
): ReturnType<typeof readAnswer> {
  let at = start
  let body = ''
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = parseInt(text.slice(at, line), 16)
    const next = line + 2 + size + 2
    if (text.length < next) return undefined
    body += text.slice(line + 2, line + 2 + size)
    at = next
    if (size === 0) return { answer: { status, headers, body }, length: at }
  }
}
