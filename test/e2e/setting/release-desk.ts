import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createReleaseDesk, owedByNodes, type Wallet } from '@jeju/sdk'
import type { Network } from '../../../demo/network/network.ts'
import type { DevnetProvider } from '../../../demo/network/operator.ts'

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

/** Serves one that asks the provider's node, and stands in his registration file. */
export async function openReleaseDesk(
  { chain }: Network,
  wallet: Wallet,
  { agentId, calls, machine, name }: DevnetProvider,
): Promise<ServedDesk> {
  const owed = owedByNodes([new URL(machine.url)])
  const desk = await serveDesk(createReleaseDesk({ wallet, deployment: chain.deployment, owed }))
  const services = [{ name: 'release', endpoint: desk.url }]
  await calls.publish(agentId, { name, description: 'with a desk', services })
  return desk
}
