import type { Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { codeOf, TestNetwork } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

// Providers that take a request for evidence and never answer: rows on chain cost a bond, hanging costs nothing.

const NONCE = 'ab'.repeat(32)
const CROWD_OWNER: Hex = `0x${'cc'.repeat(20)}`
const ownerOf = (agentId: bigint): Hex => `0x${agentId.toString(16).padStart(40, '0')}`

/** Rows of providers that hang, and how those that are asked give up, as at their time limit. */
class Crowd {
  readonly asked = new Map<bigint, () => void>()
  readonly #network: TestNetwork
  readonly #like: TestNode

  constructor(network: TestNetwork, like: TestNode) {
    this.#network = network
    this.#like = like
  }

  add(count: number, owner: (agentId: bigint) => Hex): void {
    const { chain, connection } = this.#network
    for (let at = 0; at < count; at++) {
      const agentId = 1_000n + BigInt(chain.providers.size)
      const endpoint = `https://hangs-${agentId}.test`
      const stake = 10n ** 18n
      const row = this.#like.state({ owner: owner(agentId), endpoint, stake })
      chain.head += 1n
      chain.events.set(chain.head, [agentId])
      chain.providers.set(agentId, { ...row, agentId })
      connection.at(
        endpoint,
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            const giveUp = (): void => reject(new Error('no answer in time'))
            this.asked.set(agentId, giveUp)
            signal.addEventListener('abort', giveUp)
          }),
      )
    }
  }

  /** The time limit of everybody who is asked now is over. */
  giveUp(): void {
    const waiting = [...this.asked.values()]
    this.asked.clear()
    for (const giveUp of waiting) giveUp()
  }
}

async function admittedIds(network: TestNetwork): Promise<readonly string[]> {
  const providers = await network.providers()
  return providers.filter(({ admitted }) => admitted).map(({ agentId }) => agentId)
}

const sorted = async (network: TestNetwork): Promise<readonly string[]> =>
  (await admittedIds(network)).toSorted()

describe('F16 caches_bounded: many that hang', () => {
  test('of one owner delay the admission of nobody else', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    const crowd = new Crowd(network, node)
    network.chain.providers.delete(0n)
    crowd.add(100, () => CROWD_OWNER)
    network.chain.providers.set(0n, node.state())
    for (const agentId of [1n, 2n]) network.add({ agentId })
    void network.update()
    await expect.poll(() => sorted(network)).toEqual(['0', '1', '2'])
    expect(crowd.asked.size).toBe(8)
  })

  test('of as many owners, with more at stake: no longer than one time limit', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    const crowd = new Crowd(network, node)
    crowd.add(60, ownerOf)
    void network.update()
    await expect.poll(() => crowd.asked.size).toBe(48)
    crowd.giveUp()
    await expect.poll(() => admittedIds(network)).toEqual(['0'])
    // Those who failed do not come before who registers now.
    network.pass(1)
    network.add({ agentId: 1n })
    void network.update()
    await expect.poll(() => sorted(network)).toEqual(['0', '1'])
    crowd.giveUp()
  })

  test('again and again take 16 places at most, whatever they change on chain', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    await network.update()
    const crowd = new Crowd(network, node)
    crowd.add(40, ownerOf)
    void network.update()
    await expect.poll(() => crowd.asked.size).toBe(40)
    crowd.giveUp()
    for (let times = 2n; times < 5n; times++) {
      for (const [agentId, row] of network.chain.providers) {
        if (agentId < 1_000n) continue
        network.chain.providers.set(agentId, { ...row, stake: row.stake + times })
      }
      void network.update()
      await expect.poll(() => crowd.asked.size).toBe(16)
      crowd.giveUp()
    }
  })

  test('delay no renewal, and a renewal is made before the lease ends', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    await network.update()
    const crowd = new Crowd(network, node)
    crowd.add(200, ownerOf)
    void network.update()
    await expect.poll(() => crowd.asked.size).toBe(48)
    network.pass(8)
    void network.update()
    const renewedAt = new Date(network.nowMs).toISOString()
    const own = async () => (await network.providers()).find(({ agentId }) => agentId === '0')
    await expect.poll(async () => (await own())?.judgement?.at).toBe(renewedAt)
    expect((await own())?.judgement?.outcome).toBe('admitted')
  })

  test('nor do those that were admitted and hang when their own leases are due', async () => {
    const network = new TestNetwork({ limits: { leasesPerPlatform: 100 } })
    const nodes = Array.from({ length: 20 }, (_, at) => network.add({ agentId: BigInt(at + 1) }))
    const last = network.add({ agentId: 0n })
    await network.update()
    expect(await admittedIds(network)).toHaveLength(21)
    for (const node of nodes)
      network.connection.at(node.endpoint, () => new Promise(() => undefined))
    network.pass(8)
    void network.update()
    const own = async () => (await network.providers()).find(({ agentId }) => agentId === '0')
    const renewedAt = new Date(network.nowMs).toISOString()
    await expect.poll(async () => (await own())?.judgement?.at).toBe(renewedAt)
    // Past the end of the leases that were not renewed.
    network.pass(3)
    void network.update()
    await expect.poll(async () => (await network.ask(last.bindingId)).status).toBe(200)
    expect(await admittedIds(network)).toEqual(['0'])
  })
})

describe('F16: evidence that clients ask for', () => {
  test('is waited for no longer than the client does', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    await network.update()
    const gone: string[] = []
    network.connection.at(
      node.endpoint,
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            gone.push('gone')
            reject(new Error('nobody waits'))
          })
        }),
    )
    const leaving = new AbortController()
    const before = network.connection.sent.length
    const path = `/v1/providers/0/attestation?nonce=${NONCE}`
    const asked = network.request(path, { signal: leaving.signal })
    await expect.poll(() => network.connection.sent.length).toBe(before + 1)
    leaving.abort()
    await expect(asked).rejects.toThrow()
    await expect.poll(() => gone).toEqual(['gone'])
  })

  test('of providers that hang keeps no client from that of an admitted one', async () => {
    const network = new TestNetwork()
    const node = network.add({ agentId: 0n })
    await network.update()
    const crowd = new Crowd(network, node)
    crowd.add(40, ownerOf)
    void network.update()
    await expect.poll(() => crowd.asked.size).toBe(40)
    const ask = async (agentId: bigint): Promise<Response> =>
      network.gateway.app.request(`/v1/providers/${agentId}/attestation?nonce=${NONCE}`)
    const ids = [...crowd.asked.keys()]
    const asked = ids.flatMap((agentId) => [ask(agentId), ask(agentId)])
    expect((await ask(0n)).status).toBe(200)
    // Of two for each of the first eight, one makes room for one of another.
    const refusals = await Promise.all(asked.slice(-20))
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([429]))
    const [refused] = refusals
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(refused && (await codeOf(refused))).toBe('too_many_requests')
  })
})
