import { afterAll, describe, expect, test } from 'vitest'
import { backoffMs } from '../../enclave/src/attestation/backoff.ts'
import {
  MAX_STAGED,
  createEvidenceArchive,
} from '../../enclave/src/attestation/evidence-archive.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { createTokenBucket } from '../../enclave/src/attestation/token-bucket.ts'
import { GuestAgentError } from '../../enclave/src/guest-agent/guest-agent.ts'
import {
  buildNode,
  cleanUp,
  startNode,
  statusOf,
  temporaryFolder,
  until,
} from './setting/start-node.ts'
import { chatBody, errorOf } from './setting/test-client.ts'
import { toHex, utf8, type Hex } from '@jeju/verifier/protocol'

afterAll(cleanUp)

describe('a guest agent that fails', () => {
  test('takes the node out of service, and its return brings the node back by itself', async () => {
    let fails = false
    const running = await startNode({
      agent: (real) => ({
        ...real,
        quote: (data) =>
          fails
            ? Promise.reject(new GuestAgentError('GUEST_AGENT_UNAVAILABLE', 'GetQuote: nobody'))
            : real.quote(data),
      }),
    })
    const ask = (): Promise<Response> => running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    fails = true
    expect(await errorOf(await ask())).toMatchObject({
      status: 503,
      code: 'guest_agent_unavailable',
    })
    // One failure is a restart of the agent.
    expect(await statusOf(running)).toBe('ok')
    await ask()
    expect(await statusOf(running)).toBe('starting')
    const refused = await running.fetch(running.client.request(chatBody()))
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'not_ready' })
    fails = false
    await until(async () => (await statusOf(running)) === 'ok')
    expect((await ask()).status).toBe(200)
  })

  test('in the middle of a registration leaves nothing of it, and it is made once when the agent is back', async () => {
    let fails = false
    const running = await buildNode({
      agent: (real) => ({
        ...real,
        quote: (data) =>
          fails
            ? Promise.reject(new GuestAgentError('GUEST_AGENT_TIMEOUT', 'GetQuote: no answer'))
            : real.quote(data),
      }),
    })
    const { chain, node, logs, client } = running
    fails = true
    node.start()
    await until(() => logs.join('').includes('registration failed'))
    expect(chain.attestations).toEqual([])
    expect(chain.bindings.size).toBe(0)
    const health = (await (await running.get('/health')).json()) as Record<string, unknown>
    expect(health).toMatchObject({ status: 'starting', registered: false })
    expect(health['reason']).toBe('GetQuote: no answer')
    expect(await errorOf(await running.fetch(client.request(chatBody())))).toMatchObject({
      code: 'not_ready',
    })
    fails = false
    await until(async () => (await statusOf(running)) === 'ok')
    expect(chain.attestations).toHaveLength(1)
    await node.drain()
  }, 20_000)

  test('that is slow holds up its own quotes, and nothing else of the node', async () => {
    let isSlow = false
    let answer = (): void => undefined
    const slow = new Promise<void>((resolve) => (answer = resolve))
    const asked: string[] = []
    const running = await buildNode({
      agent: (real) => ({
        ...real,
        quote: async (data) => {
          asked.push(toHex(data))
          if (isSlow) await slow
          return real.quote(data)
        },
      }),
    })
    const { chain, node } = running
    isSlow = true
    node.start()
    await until(() => asked.length === 2)
    // One quote at a time: a challenge waits, and the registration is asked for once.
    const challenge = running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    expect(await statusOf(running)).toBe('starting')
    expect((await running.get('/v1/models')).status).toBe(200)
    expect(asked).toHaveLength(2)
    expect(chain.attestations).toEqual([])
    answer()
    expect((await challenge).status).toBe(200)
    await until(async () => (await statusOf(running)) === 'ok')
    expect(chain.attestations).toHaveLength(1)
    expect(asked).toHaveLength(3)
    await node.drain()
  })
})

test('attempts that came to nothing do not stay for ever; what the chain names does', async () => {
  const store = await openStore(await temporaryFolder())
  const archive = createEvidenceArchive(store, () => new Date())
  const confirmed = await archive.put(utf8('named on chain'))
  await archive.confirm(confirmed)
  const attempts: Hex[] = []
  for (let index = 0; index < 3 * MAX_STAGED; index++) {
    attempts.push(await archive.put(utf8(`attempt ${index}`)))
  }
  expect(await store.all('SELECT 1 FROM evidence WHERE confirmed = 0')).toHaveLength(MAX_STAGED)
  expect(await archive.get(confirmed)).toEqual(utf8('named on chain'))
  // The newest may have been mined although its answer was lost.
  expect(await archive.get(attempts.at(-1) ?? '0x')).toBeDefined()
  expect(await archive.get(attempts[0] ?? '0x')).toBeUndefined()
  await store.close()
})

test('S3 archive_roundtrip_by_digest: evidence that was mined before a crash is confirmed by the next look', async () => {
  const running = await startNode()
  const digest = running.chain.bindings.get(running.node.bindingId)?.evidenceHash ?? '0x'
  await running.node.drain()
  const store = await openStore(running.stateDir)
  // As a crash between block and confirmation leaves it.
  await store.write([{ sql: 'UPDATE evidence SET confirmed = 0', values: [] }])
  const after = await running.restart()
  const confirmed = async (): Promise<boolean> =>
    (await store.all('SELECT 1 FROM evidence WHERE confirmed = 1 AND digest = ?', [digest]))
      .length === 1
  await until(confirmed)
  const archive = createEvidenceArchive(store, () => new Date())
  for (let index = 0; index < 2 * MAX_STAGED; index++) await archive.put(utf8(`later ${index}`))
  expect((await after.get(`/v1/evidence/${digest.slice(2)}`)).status).toBe(200)
  await store.close()
})

test('waits grow, have a bound, and are not the same for everybody', () => {
  const times = { firstMs: 1_000, maxMs: 30_000 }
  const waits = Array.from({ length: 50 }, (_, failures) => backoffMs(failures + 1, times))
  expect(waits[0]).toBeLessThanOrEqual(1_000)
  for (const wait of waits.slice(6)) expect(wait).toBeGreaterThanOrEqual(15_000)
  for (const wait of waits) expect(wait).toBeLessThanOrEqual(30_000)
  expect(new Set(waits).size).toBeGreaterThan(40)
})

test('N7 strangers have a rate: a burst, then so many a second', () => {
  let now = 0
  const bucket = createTokenBucket(3, 2, () => now)
  const taken = (): number => Array.from({ length: 10 }, () => bucket.take()).filter(Boolean).length
  expect(taken()).toBe(3)
  now += 1_000
  expect(taken()).toBe(2)
  now += 60_000
  expect(taken()).toBe(3)
  now -= 60_000
  expect(taken()).toBe(0)
})
