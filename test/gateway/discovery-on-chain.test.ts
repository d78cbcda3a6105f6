import { connectWallet, createProvider } from '@jeju/sdk'
import { numberToHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { connectChain } from '../../gateway/src/chain/viem-gateway-chain.ts'
import {
  createProviderDirectory,
  type ProviderDirectory,
} from '../../gateway/src/discovery/provider-directory.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { bodyOf, startHttp } from './network/upstream.ts'

// The directory over contracts on a real chain, through an RPC service that counts what it is asked.

const PROVIDERS = 20
let chain: LocalChain
let asked: string[][] = []
let rpc: Awaited<ReturnType<typeof startHttp>>

beforeAll(async () => {
  chain = await startChain()
  rpc = await startHttp(async (request, response) => {
    const body = await bodyOf(request)
    const calls: unknown = JSON.parse(Buffer.from(body).toString())
    const list = (Array.isArray(calls) ? calls : [calls]) as { readonly method: string }[]
    asked.push(list.map(({ method }) => method))
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(chain.rpcUrl, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    response.writeHead(200, headers).end(await answer.text())
  })
  const { rpcUrl, chainId, deployment } = chain
  const wallet = connectWallet({ rpcUrl, chainId, account: chain.account(0) })
  const provider = createProvider({ wallet, deployment })
  const price = { inPerMTok: 5n, outPerMTok: 7n, maxOutputTokens: 256 }
  for (let at = 0; at < PROVIDERS; at++) {
    const agentId = await provider.mintAgent()
    await provider.stake(agentId, 10n ** 17n)
    await provider.register(agentId, `https://node-${at}.test`)
    await provider.addService(agentId, numberToHex(at + 1, { size: 32 }), `model-${at}`, price)
  }
}, 120_000)

afterAll(async () => {
  await rpc.close()
  await chain.process.stop()
})

function directory(): ProviderDirectory {
  const { deployment } = chain
  const { discovery } = openStore(':memory:', 'test')
  const block = BigInt(deployment.deployedAtBlock)
  return createProviderDirectory(connectChain([rpc.origin], deployment), block, discovery)
}

test('what the registry says of everybody, in the order of registration', async () => {
  const found = directory()
  await found.refresh()
  const states = found.providers()
  expect(states.map(({ agentId }) => agentId)).toEqual(
    Array.from({ length: PROVIDERS }, (_, at) => BigInt(at)),
  )
  expect(states.at(-1)).toMatchObject({
    active: true,
    endpoint: `https://node-${PROVIDERS - 1}.test`,
    endpointVersion: 1,
    stake: 10n ** 17n,
    services: [{ serviceId: 0, modelName: `model-${PROVIDERS - 1}`, price: { version: 1 } }],
  })
})

test('T4 discovery_request_count: reads are paged and batched, not one request each', async () => {
  const found = directory()
  await found.refresh()
  asked = []
  await found.refresh()
  const calls = asked.flat()
  // Seven reads for each of them, with one service, and a few of the chain itself.
  expect(calls.length).toBeGreaterThanOrEqual(PROVIDERS * 7)
  expect(calls.length).toBeLessThanOrEqual(PROVIDERS * 7 + 10)
  expect(asked.length).toBeLessThanOrEqual(20)
  expect(calls.filter((method) => method === 'eth_getLogs')).toHaveLength(1)
})
