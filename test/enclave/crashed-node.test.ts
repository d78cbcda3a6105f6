import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { cleanUp, startNode, temporaryFolder } from './setting/start-node.ts'
import { chatBody, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

describe('a node that crashes', () => {
  test('N9 crash_after_start_never_signs_twice', async () => {
    const running = await startNode()
    const { client, fetch, engine, restart } = running
    engine.holdAt = 2
    const signed = client.sign(chatBody())
    void fetch(client.request(chatBody(), signed))
    while (engine.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const after = await restart()
    expect(after.node.bindingId).toBe(running.node.bindingId)
    expect(await errorOf(await after.fetch(client.request(chatBody(), signed)))).toMatchObject({
      status: 409,
      code: 'authorization_already_used',
    })
    expect(after.engine.requests).toEqual([])
  })

  test('N9 rollback_rechecks_chain: an older disk does not bring a paid authorisation back', async () => {
    const running = await startNode()
    const { client, fetch, stateDir, restart } = running
    const before = join(await temporaryFolder(), 'before')
    await cp(stateDir, before, { recursive: true })
    const signed = client.sign(chatBody())
    expect((await fetch(client.request(chatBody(), signed))).status).toBe(200)
    await running.node.drain()
    await rm(stateDir, { recursive: true })
    await cp(before, stateDir, { recursive: true })
    const after = await restart()
    expect(await errorOf(await after.fetch(client.request(chatBody(), signed)))).toMatchObject({
      status: 503,
      code: 'not_ready',
    })
    expect(after.engine.requests).toEqual([])
  })

  test('S5 rollback: an older disk makes no second receipt for what was answered and not paid', async () => {
    const running = await startNode()
    const { client, fetch, stateDir, restart, chain, clock } = running
    const before = join(await temporaryFolder(), 'before')
    await cp(stateDir, before, { recursive: true })
    const signed = client.sign(chatBody(), { validUntil: chain.now() + 3_600n })
    expect((await fetch(client.request(chatBody(), signed))).status).toBe(200)
    await rm(stateDir, { recursive: true })
    await cp(before, stateDir, { recursive: true })
    clock.pass(30)
    const after = await restart()
    const answer = await after.fetch(client.request(chatBody(), signed))
    expect(answer.headers.get('retry-after')).toMatch(/^3[0-9]$/)
    expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'not_ready' })
    // Nor with the database gone, and the clock of the host set back.
    for (const end of ['', '-wal', '-shm']) await rm(join(stateDir, `node.db${end}`))
    const chainTime = chain.now()
    chain.now = () => chainTime
    clock.pass(-1_000)
    const last = await restart()
    const again = async (): Promise<string> =>
      (await errorOf(await last.fetch(client.request(chatBody(), signed)))).code
    expect(await again()).toBe('authorization_expired')
    clock.pass(1_000)
    expect(await again()).toBe('not_ready')
    expect([...after.engine.requests, ...last.engine.requests]).toEqual([])
    // What cannot have been taken before is served.
    clock.pass(1)
    const fresh = client.sign(chatBody(), { validUntil: chainTime + 3_601n })
    expect((await last.fetch(client.request(chatBody(), fresh))).status).toBe(200)
  })

  test('N11 settle_queue_survives_restart: receipts that were not settled are settled by the next start', async () => {
    const running = await startNode()
    const { client, fetch, chain, restart } = running
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    expect(chain.settlements).toEqual([])
    const after = await restart()
    await after.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(80n)
    // The one that crashed knows nothing of it; nobody pays twice.
    await running.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(80n)
  })
})
