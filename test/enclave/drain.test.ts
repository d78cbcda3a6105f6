import { FINISH_CODES } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { serveDataItems } from './archive/data-item-server.ts'
import { buildNode, cleanUp, startNode, statusOf, until } from './setting/start-node.ts'
import type { TestChain } from './setting/test-chain.ts'
import { TestSettlementChain } from './setting/test-settlement-chain.ts'
import { chatBody, errorOf, readJsonAnswer, readStreamAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

const STREAM = chatBody({ stream: true })

describe('a node that is told to end', () => {
  test('refuses new requests, lets answers end, settles, and closes the engine', async () => {
    const running = await startNode({ config: { drainMs: 5_000 } })
    const { client, fetch, node, engine, chain } = running
    engine.holdAt = 2
    const signed = client.sign(STREAM)
    const streaming = await fetch(client.request(STREAM, signed))
    const whole = client.sign(chatBody())
    const waiting = fetch(client.request(chatBody(), whole))
    const streamed = readStreamAnswer(streaming, signed.salt)
    await until(() => engine.requests.length === 2)
    const drained = node.drain()
    expect(await statusOf(running)).toBe('draining')
    const refused = await fetch(client.request(chatBody()))
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'draining' })
    expect(engine.closed).toBe(false)
    engine.release()
    expect((await streamed).receipt.receipt.finish).toBe(FINISH_CODES.stop)
    expect((await readJsonAnswer(await waiting, whole.salt)).receipt.receipt.finish).toBe(0)
    await drained
    expect(chain.channels.get(client.channelId)?.spent).toBe(80n)
    expect(engine.closed).toBe(true)
  })

  test('answers that last too long are cut, with a receipt for what was delivered', async () => {
    const { client, fetch, node, engine, chain } = await startNode({ config: { drainMs: 30 } })
    engine.holdAt = 3
    const signed = client.sign(STREAM)
    const reading = readStreamAnswer(await fetch(client.request(STREAM, signed)), signed.salt)
    const whole = client.sign(chatBody())
    const waiting = fetch(client.request(chatBody(), whole))
    await until(() => engine.requests.length === 2)
    await node.drain()
    const stream = await reading
    expect(stream.receipt.receipt).toMatchObject({
      finish: FINISH_CODES.aborted,
      outputTokens: 3,
      responseHash: stream.responseHash,
    })
    expect(stream.text).toBe('Ja, gern. Grüße')
    expect(stream.covered).toContain('"finish_reason":"length"')
    const json = await readJsonAnswer(await waiting, whole.salt)
    expect(json.receipt.receipt).toMatchObject({ finish: FINISH_CODES.aborted, outputTokens: 3 })
    expect(chain.channels.get(client.channelId)?.spent).toBe(56n)
  })

  test('hanging_archive_stops_no_settlement: receipts are paid and anchored while it holds its connections', async () => {
    const archive = await serveDataItems()
    archive.hangs = true
    const { url } = archive
    const place = { kind: 'arweave', uploadUrl: `${url}/v1/tx`, gateways: [url] } as const
    const { client, fetch, node, chain, logChain } = await startNode({ config: { archive: place } })
    const signed = client.sign(chatBody())
    await readJsonAnswer(await fetch(client.request(chatBody(), signed)), signed.salt)
    await node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBeGreaterThan(0n)
    expect(logChain.epochs.get(node.bindingId)).toHaveLength(1)
    await archive.close()
  }, 30_000)

  test.each(['recentBlock', 'bindSigner', 'binding'] as const)(
    'a registration that hangs at %s does not hold the node',
    async (method) => {
      const running = await buildNode()
      const { chain, node } = running
      let isAsked = false
      chain[method] = () => {
        isAsked = true
        return new Promise<never>(() => undefined)
      }
      node.start()
      await until(() => isAsked)
      await node.drain()
      expect(running.engine.closed).toBe(true)
    },
    20_000,
  )

  test('settlements that hang do not hold the node, and what they owe is on disk', async () => {
    let hangs = false
    const hanging = (chain: TestChain): TestSettlementChain => {
      const settlement = new TestSettlementChain(chain)
      const { agreedHead } = settlement
      settlement.agreedHead = () =>
        hangs ? new Promise<never>(() => undefined) : agreedHead.call(settlement)
      return settlement
    }
    const running = await startNode({ settlement: hanging })
    const { client, fetch, node, chain } = running
    const signed = client.sign(chatBody())
    await readJsonAnswer(await fetch(client.request(chatBody(), signed)), signed.salt)
    hangs = true
    await node.drain()
    expect(running.engine.closed).toBe(true)
    expect(chain.settlements).toEqual([])
    hangs = false
    const after = await running.restart()
    await after.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBeGreaterThan(0n)
  }, 30_000)

  test('an engine that does not stop does not hold the node', async () => {
    const running = await startNode({ config: { drainMs: 10 } })
    const { client, fetch, node, engine } = running
    engine.deafAt = 2
    void fetch(client.request(chatBody()))
    await until(() => engine.handedOut === 2)
    await node.drain()
    expect(engine.closed).toBe(true)
  }, 20_000)

  test('a reader who takes nothing does not hold the node', async () => {
    const { client, fetch, node, chain } = await startNode({ config: { drainMs: 10 } })
    const response = await fetch(client.request(STREAM))
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    await node.drain()
    const [item] = chain.settlements.flat()
    expect(item?.receipt).toMatchObject({ finish: FINISH_CODES.aborted })
    await expect(reader?.read()).rejects.toThrow('not taken in time')
  })
})
