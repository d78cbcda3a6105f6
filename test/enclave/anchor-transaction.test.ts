import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseTransaction, toHex as quantity, type Hex as Raw } from 'viem'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { sha256, toHex, utf8, ZERO_DIGEST } from '@jeju/verifier/protocol'
import type { LogChain, SentAnchor } from '../../enclave/src/chain/log-chain.ts'
import { createTurns } from '../../enclave/src/chain/turns.ts'
import { connectLogChain } from '../../enclave/src/chain/viem-log-chain.ts'
import { deployment } from './setting/deployment.ts'

const CALL = {
  bindingId: toHex(sha256(utf8('binding'))),
  epoch: 0,
  previous: ZERO_DIGEST,
  root: toHex(sha256(utf8('root'))),
  size: 1,
  digest: toHex(sha256(utf8('document'))),
  locator: '',
}

/** An RPC of one account: what it has mined and what is pending. */
class Rpc {
  mined = 4
  pending = 4
  readonly known = new Set<string>()
  readonly raws: Raw[] = []
  readonly server: Server = createServer((request, response) => {
    void request.toArray().then((chunks) => {
      const asked: unknown = JSON.parse(Buffer.concat(chunks as Buffer[]).toString())
      const answers = [asked].flat().map((one) => this.#answer(one as Asked))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]))
    })
  })

  #answer({ id, method, params }: Asked): object {
    return { jsonrpc: '2.0', id, result: this.#result(method, params) }
  }

  #result(method: string, params: readonly string[]): unknown {
    switch (method) {
      case 'eth_chainId':
        return quantity(deployment.chainId)
      case 'eth_estimateGas':
        return quantity(200_000)
      case 'eth_maxPriorityFeePerGas':
        return quantity(10)
      case 'eth_getBlockByNumber':
        return { number: '0x1', baseFeePerGas: quantity(1_000), transactions: [], timestamp: '0x1' }
      case 'eth_getTransactionCount':
        return quantity(params[1] === 'pending' ? this.pending : this.mined)
      case 'eth_getTransactionByHash':
        return this.known.has(params[0] ?? '')
          ? { hash: params[0], blockNumber: null, nonce: quantity(this.mined), type: '0x2' }
          : null
      case 'eth_sendRawTransaction':
        this.raws.push(params[0] as Raw)
        return ZERO_DIGEST
      default:
        throw new Error(`no method ${method}`)
    }
  }
}

interface Asked {
  readonly id: number
  readonly method: string
  readonly params: readonly string[]
}

let rpc: Rpc
let chain: LogChain
const servers: Server[] = []

beforeEach(async () => {
  rpc = new Rpc()
  servers.push(rpc.server)
  await new Promise<void>((resolve) => rpc.server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(rpc.server.address() as AddressInfo).port}`
  chain = connectLogChain(
    { urls: [url], fetch },
    deployment,
    new Uint8Array(32).fill(7),
    createTurns(),
  )
})

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

async function send(before?: SentAnchor): Promise<SentAnchor | undefined> {
  let recorded: SentAnchor | undefined
  const isSent = await chain.anchor(CALL, before, (sent) => {
    // On disk before anybody sees it.
    expect(rpc.raws).toHaveLength(before === undefined ? 0 : 1)
    recorded = sent
    return Promise.resolve()
  })
  expect(isSent).toBe(recorded !== undefined)
  return recorded
}

describe('a transaction that anchors', () => {
  test('stuck_anchor_is_replaced: under its own nonce, for an eighth more', async () => {
    const first = await send()
    if (first === undefined) throw new Error('not sent')
    expect(first.nonce).toBe(4)
    rpc.known.add(first.hash)
    rpc.pending = 5
    const second = await send(first)
    expect(second?.nonce).toBe(4)
    expect(second?.maxFeePerGas).toBeGreaterThanOrEqual((first.maxFeePerGas * 9n) / 8n)
    const sent = rpc.raws.map((raw) => parseTransaction(raw))
    expect(sent.map(({ nonce }) => nonce)).toEqual([4, 4])
    expect(sent[1]?.maxPriorityFeePerGas).toBe(second?.maxPriorityFeePerGas)
    expect(sent[1]?.data).toBe(sent[0]?.data)
  })

  test('nothing_is_put_behind_a_stuck_transaction of the same signer', async () => {
    rpc.pending = 5
    expect(await send()).toBeUndefined()
    expect(rpc.raws).toEqual([])
  })

  test('one that everybody forgot takes the next nonce, and never the place of another’s', async () => {
    const first = await send()
    rpc.mined = 5
    rpc.pending = 6
    expect(await send(first)).toBeUndefined()
    rpc.mined = 6
    expect((await send(first))?.nonce).toBe(6)
  })
})
