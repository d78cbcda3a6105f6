import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeErrorResult, parseAbi } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { DeploymentError } from '@jeju/contracts'
import { connectChain } from '../../gateway/src/chain/viem-gateway-chain.ts'
import { freePort } from '../../demo/network/process.ts'
import { deployment } from './network/deployment.ts'

const CHAIN_ID = deployment.chainId
const OTHER_CHAIN_ID = 8453

test('a service that is dead is left for the next one', async () => {
  const dead = `http://127.0.0.1:${await freePort()}`
  const good = await serveRpc(CHAIN_ID, 7)
  expect(await connectChain([dead, good.url], deployment).blockNumber()).toBe(7n)
  expect(await connectChain([good.url, dead], deployment).blockNumber()).toBe(7n)
})

test('F3 a service that lies behind is left for one that does not', async () => {
  const behind = await serveRpc(CHAIN_ID, 5, { headAgeS: 3_600 })
  const good = await serveRpc(CHAIN_ID, 7, { headAgeS: 2 })
  expect(await connectChain([behind.url, good.url], deployment).blockNumber()).toBe(7n)
  expect(behind.asked).not.toContain('eth_blockNumber')
  const dead = `http://127.0.0.1:${await freePort()}`
  expect(await connectChain([dead, behind.url, good.url], deployment).blockNumber()).toBe(7n)
})

test.each([
  [1, 'recent'],
  [90, 'recent'],
  [600, 'expected a block of the last 120 seconds, got one of 600 seconds ago'],
])('F3 one alone whose latest block is %i seconds old is %s', async (headAgeS, outcome) => {
  const only = await serveRpc(OTHER_CHAIN_ID, 5, { headAgeS })
  const chain = connectChain([only.url], { ...deployment, chainId: OTHER_CHAIN_ID })
  const said = await chain.requireRecent(new Date()).then(
    () => 'recent',
    (error: unknown) => (error instanceof DeploymentError ? error.message : error),
  )
  expect(said).toContain(outcome)
})

test('F3 of a development chain that is not asked: it makes blocks only with transactions', async () => {
  const only = await serveRpc(CHAIN_ID, 5, { headAgeS: 600 })
  await connectChain([only.url], deployment).requireRecent(new Date())
})

test('nor does one that pretends to be ahead take the place of those before it', async () => {
  const good = await serveRpc(CHAIN_ID, 7, { headAgeS: 2 })
  const ahead = await serveRpc(CHAIN_ID, 2 ** 40, { headAgeS: -3_600 })
  expect(await connectChain([good.url, ahead.url], deployment).blockNumber()).toBe(7n)
})

test('where all lie behind, as on a chain that stands, the first is asked', async () => {
  const first = await serveRpc(CHAIN_ID, 7, { headAgeS: 3_600 })
  const second = await serveRpc(CHAIN_ID, 6, { headAgeS: 3_600 })
  expect(await connectChain([first.url, second.url], deployment).blockNumber()).toBe(7n)
})

test('T6 rpc_of_other_chain_rejected: the start says so, and nothing of it is believed', async () => {
  const dead = `http://127.0.0.1:${await freePort()}`
  const liar = await serveRpc(OTHER_CHAIN_ID, 99)
  const good = await serveRpc(CHAIN_ID, 7)
  const chain = connectChain([dead, liar.url, good.url], deployment)
  await expect(chain.checkContracts()).rejects.toThrow(
    new DeploymentError(`RPC_URL: expected chain ${CHAIN_ID}, got ${OTHER_CHAIN_ID}`),
  )
  expect(await chain.blockNumber()).toBe(7n)
  expect(liar.asked).not.toContain('eth_blockNumber')
})

test('T6 nor when all the others are away', async () => {
  const liar = await serveRpc(OTHER_CHAIN_ID, 99)
  const dead = `http://127.0.0.1:${await freePort()}`
  await expect(connectChain([dead, liar.url], deployment).blockNumber()).rejects.toThrow()
  expect(new Set(liar.asked)).toEqual(new Set(['eth_chainId']))
})

test('T6 nor one that was away at the start', async () => {
  const port = await freePort()
  const good = await serveRpc(CHAIN_ID, 7)
  const chain = connectChain([`http://127.0.0.1:${port}`, good.url], deployment)
  expect(await chain.blockNumber()).toBe(7n)
  const liar = await serveRpc(OTHER_CHAIN_ID, 99, { port })
  expect(await chain.blockNumber()).toBe(7n)
  expect(new Set(liar.asked)).toEqual(new Set(['eth_chainId']))
})

test.each(['a redirect', 'an offchain lookup'])(
  'F5 ssrf_url_table: a service that lies has nobody asked by %s',
  async (how) => {
    const reached: string[] = []
    const listen = async (listener: RequestListener): Promise<string> => {
      const server = createServer(listener).listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => {
        server.closeAllConnections()
        server.close()
      })
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    const victim = await listen((request, response) => {
      reached.push(request.url ?? '')
      response.end('{}')
    })
    const data = encodeErrorResult({
      abi: parseAbi([
        'error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData)',
      ]),
      args: [deployment.computeRegistry, [`${victim}/lookup`], '0x', '0x00000000', '0x'],
    })
    const liar = await listen((request, response) => {
      void request.toArray().then((parts) => {
        const body: unknown = JSON.parse(Buffer.concat(parts as Buffer[]).toString('utf8'))
        const calls = [body].flat() as { id: number; method: string }[]
        const isKnown = calls.every(({ method }) => method === 'eth_chainId')
        if (how === 'a redirect' && !isKnown) {
          response.writeHead(307, { location: `${victim}/redirect` }).end()
          return
        }
        const answers = calls.map(({ id, method }) => ({
          jsonrpc: '2.0',
          id,
          ...(method === 'eth_chainId'
            ? { result: `0x${CHAIN_ID.toString(16)}` }
            : { error: { code: 3, message: 'execution reverted', data } }),
        }))
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
      })
    })
    const binding = connectChain([liar], deployment).binding(`0x${'ab'.repeat(32)}`)
    await expect(binding).rejects.toThrow()
    expect(reached).toEqual([])
  },
)

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

/** An RPC service of this chain, whose head is this block and so old; remembers what it was asked. */
async function serveRpc(
  chainId: number,
  head: number,
  { port = 0, headAgeS }: { readonly port?: number; readonly headAgeS?: number } = {},
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
      const calls = (Array.isArray(body) ? body : [body]) as { id: number; method: string }[]
      const answers = calls.map(({ id, method }) => {
        asked.push(method)
        const latest = headAgeS !== undefined && method === 'eth_getBlockByNumber'
        const timestamp = hex(Math.floor(Date.now() / 1000) - (headAgeS ?? 0))
        const result = latest ? { timestamp } : hex(method === 'eth_chainId' ? chainId : head)
        return { jsonrpc: '2.0', id, result }
      })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
    })()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return { url: `http://127.0.0.1:${address.port}`, asked }
}
