import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A provider's desk on a port of this machine. */
export interface ServedDesk {
  readonly url: string
  close(): void
}

/** Serves one. */
export async function serveDesk(
  answer: (request: Request) => Promise<Response>,
): Promise<ServedDesk> {
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const { method = '' } = request
      const answered = await answer(new Request('http://desk.test/', { method, body }))
      response.writeHead(answered.status, Object.fromEntries(answered.headers))
      response.end(Buffer.from(await answered.arrayBuffer()))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() }
}
