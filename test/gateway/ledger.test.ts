import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchTd } from '@jeju/simulator'
import { authDigest, parseAuthorization, randomBytes32, toHex } from '@jeju/verifier/protocol'
import { connectPostgres } from '../../gateway/src/ledger/postgres-ledger.ts'
import type { LedgerEntry } from '../../gateway/src/ledger/receipt-ledger.ts'
import { createLogger } from '../../gateway/src/logging.ts'
import { connect, havePostgres, startPostgres, type PostgresServer } from '../servers/postgres.ts'
import { parseFindings } from '../../sdk/src/findings/finding.ts'
import { judgeFindings } from '../../sdk/src/findings/provable.ts'
import { servingDomain } from './network/deployment.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { honest, type Responder } from './network/test-connection.ts'
import { authorizationFor, codeOf, platform, TestNetwork, WALLET } from './network/test-network.ts'
import { COMPOSE, TestNode } from './network/test-node.ts'

describe.runIf(havePostgres)('the ledger of receipts in a real PostgreSQL', () => {
  let server: PostgresServer
  const log: string[] = []
  const logger = createLogger('info', { write: (line) => void log.push(line) })
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const stored = async (): Promise<number> => {
    const sql = connect(server.url)
    try {
      const [row] = await sql`SELECT count(*)::int AS rows FROM jeju_receipts`
      return Number(row?.['rows'])
    } finally {
      await sql.end()
    }
  }

  test('two replicas migrate at once; every entry is written once, by whoever sends it', async () => {
    const replicas = [0, 1].map(() => connectPostgres({ url: server.url, logger }))
    const entries = Array.from({ length: 1_200 }, entry)
    for (const one of entries) for (const ledger of replicas) ledger.add(one)
    await Promise.all(replicas.map((ledger) => ledger.close()))
    expect(await stored()).toBe(1_200)
  })

  test('rows are added, and neither changed nor removed', async () => {
    const sql = connect(server.url)
    await expect(sql`UPDATE jeju_receipts SET fee_wei = 0`).rejects.toThrow('only grows')
    await expect(sql`DELETE FROM jeju_receipts`).rejects.toThrow('only grows')
    await expect(sql`TRUNCATE jeju_receipts`).rejects.toThrow('only grows')
    await sql.end()
  })

  test('a server that is away loses nothing: what waits is bounded, and written when it is back', async () => {
    const before = await stored()
    const ledger = connectPostgres({ url: server.url, logger, maxWaiting: 5 })
    ledger.add(entry())
    await expect.poll(stored, { timeout: 10_000 }).toBe(before + 1)
    await server.halt()
    for (let at = 0; at < 5; at++) ledger.add(entry())
    expect(ledger.isFull).toBe(true)
    await expect.poll(() => log.join(''), { timeout: 30_000 }).toContain('the ledger is away')
    await server.again()
    await expect.poll(() => ledger.isFull, { timeout: 30_000 }).toBe(false)
    await ledger.close()
    expect(await stored()).toBe(before + 6)
    expect(log.join('')).not.toContain('postgres://')
  })

  test('hanging_ledger_holds_no_drain: a statement that never ends is not waited for', async () => {
    const ledger = connectPostgres({ url: server.url, logger, closeMs: 300 })
    const other = connect(server.url)
    try {
      await other.begin(async (tx) => {
        await tx`LOCK TABLE jeju_receipts IN ACCESS EXCLUSIVE MODE`
        ledger.add(entry())
        await ledger.close()
        expect(ledger.waiting).toBe(1)
      })
    } finally {
      await other.end()
    }
    expect(log.join('')).toContain('"lost":1')
  })

  test('receipt-once: a second receipt for an authorisation is found, whichever replica had the first', async () => {
    const ledger = connectPostgres({ url: server.url, logger })
    let counted = 0
    const liar = (self: TestNode): Responder =>
      honest(self, (request) =>
        jsonAnswer(self, request, '{}', { receipt: { outputTokens: 1 + counted++ } }),
      )
    const first = new TestNetwork({ ledger })
    const node = first.add({ agentId: 78n }, liar)
    await first.update()
    expect((await first.ask(node.bindingId)).status).toBe(200)
    await ledger.close()
    // Another process, which has seen nothing of the first answer.
    const again = connectPostgres({ url: server.url, logger })
    const second = new TestNetwork({ ledger: again, chain: first.chain })
    second.connection.at(node.endpoint, liar(node))
    await second.update()
    expect((await second.ask(node.bindingId)).status).toBe(200)
    await again.close()
    const [finding] = second.store.findings.page(1)?.findings ?? []
    expect(finding).toMatchObject({ agentId: 78n, bindingId: node.bindingId })
    expect((await second.only()).admitted).toBe(false)
    // As it stands a contract can check it: both receipts, of one authorisation.
    const text = await (await second.request('/v1/findings')).text()
    const [judged] = judgeFindings(parseFindings(text).findings, servingDomain)
    expect(judged?.proof).toMatchObject({ conflict: { auth: { bindingId: node.bindingId } } })
  })

  test('a comparison that fails keeps nothing from being written', async () => {
    const before = await stored()
    const ledger = connectPostgres({ url: server.url, logger })
    const one = entry()
    ledger.add(one)
    await expect.poll(stored, { timeout: 10_000 }).toBe(before + 1)
    ledger.add({ ...one, receipt: '{"other":1}' }, () => {
      throw new TypeError('no receipt at all')
    })
    ledger.add(entry())
    await ledger.close()
    expect(await stored()).toBe(before + 2)
    expect(log.join('')).toContain('could not be compared')
  })

  test('nor is what somebody wrote into the ledger held against a node', async () => {
    const node = new TestNode(platform, { agentId: 79n })
    const stranger = new TestNode(platform, {
      agentId: 80n,
      td: launchTd(platform, { appCompose: COMPOSE }),
    })
    const text = authorizationFor(node.bindingId)
    const authHash = authDigest(parseAuthorization(text).auth, servingDomain)
    const ledger = connectPostgres({ url: server.url, logger })
    const { headers } = jsonAnswer(
      stranger,
      { headers: { 'compute-authorization': text } },
      '{"other":1}',
    )
    const forged = Buffer.from(headers['compute-receipt'] ?? '', 'base64url').toString()
    ledger.add({ ...entry(), authHash, receipt: forged })
    const network = new TestNetwork({ ledger })
    network.register(node)
    network.connection.at(node.endpoint, honest(node))
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
    await ledger.close()
    expect(network.store.findings.page(1)?.findings).toEqual([])
    expect((await network.only()).admitted).toBe(true)
  })

  test('E11 an answer is one row with both parties and the fee, and nothing that was said', async () => {
    const ledger = connectPostgres({ url: server.url, logger })
    const network = new TestNetwork({ ledger })
    const node = network.add({ agentId: 77n })
    await network.update()
    const body = '{"model":"enclave-mini","messages":[{"role":"user","content":"canary-word"}]}'
    const answer = await network.ask(node.bindingId, { body })
    expect(answer.status).toBe(200)
    await ledger.close()
    const sql = connect(server.url)
    const rows = await sql`SELECT * FROM jeju_receipts WHERE agent_id = 77`
    await sql.end()
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      binding_id: node.bindingId,
      wallet: WALLET,
      input_tokens: '3',
      output_tokens: '1',
      fee_wei: '1',
    })
    expect(JSON.stringify(rows)).not.toContain('canary')
  })
})

test('no prompt is taken while an answer could not be accounted for', async () => {
  const ledger = { add: () => undefined, waiting: 7, isFull: true, close: async () => undefined }
  const network = new TestNetwork({ ledger })
  const node = network.add()
  await network.update()
  const refused = await network.ask(node.bindingId)
  expect([refused.status, await codeOf(refused)]).toEqual([503, 'overloaded'])
  expect(network.connection.prompts).toEqual([])
  expect(await (await network.request('/metrics')).text()).toContain(
    'jeju_gateway_receipts_waiting 7',
  )
})

function entry(): LedgerEntry {
  const hex = (): `0x${string}` => toHex(randomBytes32())
  return {
    at: Date.now(),
    authHash: hex(),
    agentId: 2n ** 200n,
    bindingId: hex(),
    wallet: WALLET,
    channelId: hex(),
    modelId: hex(),
    priceVersion: 1,
    inputTokens: 3,
    outputTokens: 1,
    fee: 2n ** 127n,
    receipt: '{}',
  }
}
