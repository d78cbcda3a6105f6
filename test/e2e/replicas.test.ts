import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFetch } from '@jeju/sdk'
import { clientOf } from '../../demo/network/client.ts'
import { providerDocuments } from '../../demo/network/gateway-view.ts'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import { waitFor } from '../../demo/network/process.ts'
import { connect, havePostgres, startPostgres, type PostgresServer } from '../servers/postgres.ts'
import { haveRedis, startRedis, type RedisServer } from '../servers/redis.ts'

// Two gateway processes that share a Redis and a PostgreSQL, over one node on a chain. Tests run in order.

const WAIT = { timeoutMs: 60_000 }

describe.runIf(haveRedis && havePostgres)('two gateway processes as replicas', () => {
  let network: Network
  let redis: RedisServer
  let postgres: PostgresServer
  let a: GatewayProcess
  let b: GatewayProcess

  beforeAll(async () => {
    network = await startNetwork()
    redis = await startRedis()
    postgres = await startPostgres()
    await network.startProvider('node A', 1)
    a = await network.startGateway(settings())
    await admission(a)
    b = await network.startGateway(settings())
    await admission(b)
  }, 240_000)

  afterAll(async () => {
    await network.stop()
    await redis.process.stop()
    await postgres.stop()
  }, 60_000)

  const settings = (): Readonly<Record<string, string>> => ({
    REDIS_URL: redis.url,
    REPLICA_SECRET: 'a secret of both replicas, and of nobody else',
    POSTGRES_URL: postgres.url,
    WALLET_REQUESTS_PER_MINUTE: '1',
  })

  test('the second uses the evidence that the first was given, and both publish one session', async () => {
    const sessions = await Promise.all(
      [a, b].map(async ({ url }) => (await fetch(`${url}/v1/aci/sessions`)).json()),
    )
    expect(sessions[0]).toMatchObject({ sessions: [{ upstream_name: 'agent-0' }] })
    expect(sessions[1]).toEqual(sessions[0])
  })

  test('a wallet has one limit in both', async () => {
    expect(await ask(a, 4)).not.toBe('')
    await expect(ask(b, 4)).rejects.toMatchObject({ status: 429 })
  })

  test('one is killed, and the other serves on', async () => {
    await a.process.kill()
    expect(await ask(b, 5)).not.toBe('')
  })

  test('a drained one has written every receipt', async () => {
    await b.process.stop()
    const sql = connect(postgres.url)
    const rows = await sql`SELECT wallet, fee_wei::text AS fee FROM jeju_receipts`
    await sql.end()
    const wallets = rows.map((row) => String(row['wallet']))
    expect(wallets).toContain(network.wallet(5).account.address.toLowerCase())
    expect(rows.every((row) => BigInt(String(row['fee'])) > 0n)).toBe(true)
  })

  async function ask(gateway: GatewayProcess, walletIndex: number): Promise<string> {
    const verified = createFetch({
      ...clientOf(network, gateway, walletIndex),
    })
    const baseURL = `${gateway.url}/v1`
    const openai = new OpenAI({ apiKey: 'none', baseURL, fetch: verified, maxRetries: 0 })
    const answer = await openai.chat.completions.create({
      model: network.model.descriptor.id,
      messages: [{ role: 'user', content: 'What is remote attestation?' }],
      max_tokens: 20,
    })
    return answer.choices[0]?.message.content ?? ''
  }
})

async function admission({ url, process }: GatewayProcess): Promise<void> {
  const one = async (): Promise<true | undefined> =>
    (await providerDocuments(url)).some(({ admitted }) => admitted) ? true : undefined
  await waitFor('an admission', one, { ...WAIT, running: process })
}
