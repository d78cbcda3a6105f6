import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'

/** What the server was asked. */
export interface SeenRequest {
  readonly path: string
  readonly body: Record<string, unknown>
}

/** A local HTTP server that speaks the vLLM dialect, and says what a test tells it to. */
export interface VllmServer {
  readonly url: string
  readonly seen: SeenRequest[]
  /** Bytes of the next streams, in the pieces they are written in. */
  chunks: readonly (string | Uint8Array)[]
  status: number
  tokens: number
  models: object
  /** Breaks every connection. */
  down: boolean
  /** Never ends the next stream. */
  hang: boolean
  /** Streams whose reader left. */
  left: number
  embeddings: object
  close(): Promise<void>
}

export const UPSTREAM_MODEL = 'vendor/model'

/** A frame of vLLM's stream. */
export function frame(choices: readonly object[], more: object = {}): string {
  const chunk = { id: 'x', object: 'chat.completion.chunk', created: 1, model: UPSTREAM_MODEL }
  return `data: ${JSON.stringify({ ...chunk, choices, ...more })}\n\n`
}

/** A delta of the one choice. */
export function delta(value: object, finish: string | null = null, more: object = {}): string {
  return frame([{ index: 0, delta: value, logprobs: null, finish_reason: finish, ...more }])
}

/** The last frames. */
export function usageEnd(prompt: number, completion: number): string {
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  }
  return `${frame([], { usage })}data: [DONE]\n\n`
}

export async function serveVllm(): Promise<VllmServer> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (state.down) {
        request.socket.destroy()
        return
      }
      const path = request.url ?? ''
      const text = Buffer.concat(parts).toString()
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
      state.seen.push({ path, body })
      if (path === '/v1/models') return json(response, state.models)
      if (state.status !== 200) {
        response.writeHead(state.status)
        response.end(`{"error":"${text.slice(0, 20).replaceAll('"', '')}"}`)
        return
      }
      if (path === '/tokenize') return json(response, { count: state.tokens, max_model_len: 4096 })
      if (path === '/v1/embeddings') return json(response, state.embeddings)
      response.on('close', () => {
        if (!response.writableFinished) state.left++
      })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      void write(response, state.chunks, state.hang)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  const state: VllmServer = {
    url: `http://127.0.0.1:${address.port}`,
    seen: [],
    chunks: [],
    status: 200,
    tokens: 12,
    models: { object: 'list', data: [{ id: UPSTREAM_MODEL, max_model_len: 4096 }] },
    down: false,
    hang: false,
    left: 0,
    embeddings: {},
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return state
}

async function write(
  response: ServerResponse,
  chunks: readonly (string | Uint8Array)[],
  hang: boolean,
): Promise<void> {
  for (const chunk of chunks) {
    response.write(chunk)
    // Pieces arrive as they are cut.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (!hang) response.end()
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
