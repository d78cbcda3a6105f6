import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayProcess } from '../../demo/network/gateway.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import { connect, havePostgres, startPostgres, type PostgresServer } from '../servers/postgres.ts'
import { haveRedis, startRedis, type RedisServer } from '../servers/redis.ts'
import { admissions } from './setting/admission.ts'
import { answerTo, openaiOf, QUESTION, questionOf } from './setting/openai-client.ts'

// Two gateway processes that share a Redis and a PostgreSQL, over one node on a chain. Tests run in order.

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
    await admissions(a, 1)
    b = await network.startGateway(settings())
    await admissions(b, 1)
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

  function ask(gateway: GatewayProcess, walletIndex: number): Promise<string> {
    const { openai } = openaiOf(network, gateway, walletIndex)
    return answerTo(openai, questionOf(network, QUESTION, 20))
  }
})
