import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { connectWallet, createLedger, type Wallet } from '@jeju/sdk'
import { parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, onTestFinished, test } from 'vitest'
import { readOnly } from '../../sdk/src/cli/settings/read-only.ts'
import { deployment } from './market/deployment.ts'
import { answering, TestRpc, type ContractAnswer, type Transaction } from './market/test-rpc.ts'

// An RPC, or a contract, that would choose whom a wallet's program asks next: a service on its own machine, say.

const { chainId } = deployment
const account = privateKeyToAccount(`0x${'42'.repeat(32)}`)

// Each is asked again some times: a connection may have been at fault.
test.each([302, 307])(
  'F5 ssrf_url_table: an RPC that redirects with %i has nobody asked',
  async (status) => {
    const victim = await serveVictim()
    const rpc = honest()
    let isHonest = true
    const liar = await listen((request, response) => {
      if (isHonest) void answer(rpc, request, response)
      else response.writeHead(status, { location: `${victim.url}/redirected` }).end()
    })
    const wallet = connectWallet({ rpcUrl: liar, chainId, account })
    const ledger = createLedger({ wallet, deployment })
    expect(await ledger.availableOf()).toBe(7n)
    isHonest = false
    await expect(ledger.availableOf()).rejects.toMatchObject({
      code: 'CHAIN_READ',
      message: 'availableOf: the RPC: a redirect',
    })
    await expect(ledger.deposit(1n)).rejects.toMatchObject({ code: 'CHAIN_WRITE' })
    await expect(readOnly(liar, deployment).head()).rejects.toMatchObject({ code: 'CHAIN_READ' })
    expect(victim.reached).toEqual([])
  },
)

test('F5 where one RPC redirects the next one of the list is asked', async () => {
  const victim = await serveVictim()
  const liar = await listen((_, response) => {
    response.writeHead(307, { location: victim.url }).end()
  })
  const wallet = connectWallet({ rpcUrl: [liar, await serve(honest())], chainId, account })
  expect(await createLedger({ wallet, deployment }).availableOf()).toBe(7n)
  expect(victim.reached).toEqual([])
})

test.each<[string, (rpc: TestRpc) => Promise<Wallet>]>([
  [
    'of a private key',
    async (rpc) => connectWallet({ rpcUrl: await serve(rpc), chainId, account }),
  ],
  ['of the caller’s own making, whose lookups are on', async (rpc) => rpc.wallet()],
])('F5 a contract that answers OffchainLookup has nobody asked by a wallet %s', async (_, on) => {
  const victim = await serveVictim()
  const lookup = offchainLookup(deployment.ledgerManager, `${victim.url}/lookup`)
  const rpc = new TestRpc(answering({ availableOf: lookup, requestRefund: lookup }))
  const ledger = createLedger({ wallet: await on(rpc), deployment })
  await expect(ledger.availableOf()).rejects.toMatchObject({
    code: 'CHAIN_REVERT',
    message: 'availableOf: unknown error 0x556f1830',
  })
  const refund = ledger.requestRefund(`0x${'77'.repeat(32)}`)
  await expect(refund).rejects.toMatchObject({ code: 'CHAIN_REVERT' })
  expect(rpc.reads.map(({ functionName }) => functionName)).toEqual([
    'availableOf',
    'requestRefund',
  ])
  expect(victim.reached).toEqual([])
  expect(rpc.sent).toEqual([])
})

function honest(): TestRpc {
  return new TestRpc(answering({ availableOf: { returns: 7n } }))
}

/** EIP-3668: "ask there, and call me with what they say". */
function offchainLookup(sender: `0x${string}`, url: string): ContractAnswer {
  const abi = parseAbi([
    'error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData)',
  ])
  const args = [sender, [url], '0x', '0x00000000', '0x'] as const
  return { reverts: { abi, errorName: 'OffchainLookup', args } }
}

/** Somebody whom nobody is to ask. */
async function serveVictim(): Promise<{ readonly url: string; readonly reached: string[] }> {
  const reached: string[] = []
  const url = await listen((request, response) => {
    reached.push(`${request.method} ${request.url}`)
    response.end('{"data":"0x"}')
  })
  return { url, reached }
}

function serve(rpc: TestRpc): Promise<string> {
  return listen((request, response) => void answer(rpc, request, response))
}

async function answer(
  rpc: TestRpc,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body: unknown = JSON.parse(await textOf(request))
  const calls = [body].flat() as { id: number; method: string; params?: [Transaction] }[]
  const answers = await Promise.all(
    calls.map(async ({ id, method, params }) => {
      const answered = rpc.request(method, params?.[0]).then(
        (result) => ({ result }),
        ({ code = -32_603, message, data }) => ({ error: { code, message, data } }),
      )
      return { jsonrpc: '2.0', id, ...(await answered) }
    }),
  )
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
