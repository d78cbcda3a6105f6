import { bodyOf, startHttp } from './upstream.ts'

/** An RPC service before a chain, that counts what it is asked and may fail in a part of it. */
export interface CountingRpc {
  readonly origin: string
  /** HTTP requests, each with its calls as JSON. */
  readonly requests: (readonly string[])[]
  /** Which calls are answered with an error, as one that ran out of something. */
  fails: (call: string) => boolean
  /** Which calls of a batch are not answered at all. */
  drops: (call: string) => boolean
  close(): Promise<void>
}

interface Call {
  readonly id: number
  readonly method: string
}

/** Passes on to the service at `upstream` what it does not fail. */
export async function countingRpc(upstream: string): Promise<CountingRpc> {
  const requests: (readonly string[])[] = []
  const headers = { 'content-type': 'application/json' }
  const answersTo = async (calls: readonly Call[]): Promise<readonly unknown[]> => {
    if (calls.length === 0) return []
    const init = { method: 'POST', headers, body: JSON.stringify(calls) }
    return (await (await fetch(upstream, init)).json()) as readonly unknown[]
  }
  const { origin, close } = await startHttp(async (request, response) => {
    const body: unknown = JSON.parse(Buffer.from(await bodyOf(request)).toString())
    const calls = [body].flat() as Call[]
    requests.push(calls.map((call) => JSON.stringify(call)))
    const kept = calls.filter((call) => !rpc.drops(JSON.stringify(call)))
    const failed = kept.filter((call) => rpc.fails(JSON.stringify(call)))
    const error = { code: -32_000, message: 'resources exhausted' }
    const answers = [
      ...(await answersTo(kept.filter((call) => !failed.includes(call)))),
      ...failed.map(({ id }) => ({ jsonrpc: '2.0', id, error })),
    ]
    response.writeHead(200, headers).end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
  })
  const rpc: CountingRpc = { origin, requests, fails: () => false, drops: () => false, close }
  return rpc
}
