import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { createReleaseDesk, owedByNodes, type Wallet } from '@jeju/sdk'
import type { Network } from '../../../demo/network/network.ts'
import type { DevnetProvider } from '../../../demo/network/operator.ts'

/** A provider's desk on a port of this machine, which asks his node, and stands in his registration file. */
export async function openReleaseDesk(
  { chain }: Network,
  wallet: Wallet,
  { agentId, calls, machine, name }: DevnetProvider,
): Promise<{ close(): void }> {
  const owed = owedByNodes([new URL(machine.url)])
  const desk = createReleaseDesk({ wallet, deployment: chain.deployment, owed })
  const server = createServer((request, response) => {
    void textOf(request).then(async (body) => {
      const { method = '' } = request
      const answered = await desk(new Request('http://desk.test/', { method, body }))
      response.writeHead(answered.status, Object.fromEntries(answered.headers))
      response.end(await answered.text())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const services = [{ name: 'release', endpoint }]
  await calls.publish(agentId, { name, description: 'with a desk', services })
  return { close: () => void server.close() }
}
