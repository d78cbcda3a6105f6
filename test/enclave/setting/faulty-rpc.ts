import { createServer } from 'node:http'

/** An RPC between node and chain that a test makes fail. */
export interface FaultyRpc {
  readonly url: string
  mode: 'ok' | 'fails' | 'hangs' | 'garbage' | 'other-chain' | 'lies'
  close(): Promise<void>
}

/** Starts one. It lies by saying of every transaction that it is in a block long ago, and paid. */
export async function startFaultyRpc(rpcUrl: string): Promise<FaultyRpc> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => void answer(Buffer.concat(parts).toString()))
    const answer = async (text: string): Promise<void> => {
      if (faulty.mode === 'hangs') return
      if (faulty.mode === 'fails') return void response.writeHead(500).end('no')
      if (faulty.mode === 'garbage') return void response.end('{"jsonrpc":')
      const call = JSON.parse(text) as JsonRpc | readonly JsonRpc[]
      const real = await fetch(rpcUrl, {
        method: 'POST',
        body: text,
        headers: { 'content-type': 'application/json' },
      })
      const answers = (await real.json()) as Answer | readonly Answer[]
      const twisted = Array.isArray(call)
        ? call.map((one: JsonRpc, index) => twist(one, (answers as Answer[])[index] as Answer))
        : twist(call as JsonRpc, answers as Answer)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(twisted))
    }
    const twist = ({ method, params, id }: JsonRpc, honest: Answer): Answer => {
      if (faulty.mode === 'other-chain' && method === 'eth_chainId') {
        return { jsonrpc: '2.0', id, result: '0x1' }
      }
      if (faulty.mode !== 'lies') return honest
      if (method === 'eth_blockNumber') return { jsonrpc: '2.0', id, result: '0xffffff' }
      if (method !== 'eth_getTransactionReceipt') return honest
      const result = {
        transactionHash: params[0],
        transactionIndex: '0x0',
        blockHash: `0x${'ee'.repeat(32)}`,
        blockNumber: '0x1',
        from: `0x${'00'.repeat(20)}`,
        to: `0x${'00'.repeat(20)}`,
        cumulativeGasUsed: '0x1',
        gasUsed: '0x1',
        effectiveGasPrice: '0x1',
        contractAddress: null,
        logs: [],
        logsBloom: `0x${'00'.repeat(256)}`,
        status: '0x1',
        type: '0x2',
      }
      return { jsonrpc: '2.0', id, result }
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const faulty: FaultyRpc = {
    url: `http://127.0.0.1:${port}`,
    mode: 'ok',
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return faulty
}

interface JsonRpc {
  readonly method: string
  readonly params: readonly unknown[]
  readonly id: number
}

interface Answer {
  readonly jsonrpc: string
  readonly id: number
  readonly result?: unknown
}
