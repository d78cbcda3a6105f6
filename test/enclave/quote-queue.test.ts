import { afterAll, describe, expect, test } from 'vitest'
import { MAX_WAITING_CHALLENGES } from '../../enclave/src/attestation/proof-queue.ts'
import type { GuestAgent } from '../../enclave/src/guest-agent/guest-agent.ts'
import { buildNode, cleanUp, startNode } from './setting/start-node.ts'
import { errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

describe('quotes are scarce', () => {
  /** An agent whose quotes wait from `shut` to `open`; `count` says how many were begun. */
  class GatedAgent {
    count = 0
    open = (): void => undefined
    #gate: Promise<void> | undefined

    shut(): void {
      this.count = 0
      this.#gate = new Promise((resolve) => (this.open = resolve))
    }

    readonly wrap = (real: GuestAgent): GuestAgent => ({
      ...real,
      quote: async (reportData) => {
        this.count++
        await this.#gate
        return real.quote(reportData)
      },
    })
  }

  const nonceOf = (index: number): string => (index + 1).toString(16).padStart(64, '0')

  test('N7 rate_limit_retry_after: a flood of challenges is bounded, and told to come back', async () => {
    const gate = new GatedAgent()
    const running = await startNode({ agent: gate.wrap })
    gate.shut()
    const asked = Array.from({ length: MAX_WAITING_CHALLENGES + 4 }, (_, index) =>
      running.get(`/v1/attestation?nonce=${nonceOf(index)}`),
    )
    const refused = await Promise.all(asked.slice(MAX_WAITING_CHALLENGES))
    for (const answer of refused) {
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(await errorOf(answer)).toMatchObject({ status: 429, code: 'attestation_busy' })
    }
    // One at a time, and the same question is one quote.
    expect(gate.count).toBe(1)
    const again = running.get(`/v1/attestation?nonce=${nonceOf(0)}`)
    gate.open()
    const served = await Promise.all([...asked.slice(0, MAX_WAITING_CHALLENGES), again])
    expect(served.map(({ status }) => status)).toEqual(
      Array.from({ length: MAX_WAITING_CHALLENGES + 1 }, () => 200),
    )
    expect(gate.count).toBe(MAX_WAITING_CHALLENGES)
  })

  test('a flood of challenges does not keep the node from registering', async () => {
    const gate = new GatedAgent()
    const running = await buildNode({ agent: gate.wrap })
    gate.shut()
    const flood = Array.from({ length: MAX_WAITING_CHALLENGES }, (_, index) =>
      running.get(`/v1/attestation?nonce=${nonceOf(index)}`),
    )
    running.node.start()
    await new Promise((resolve) => setTimeout(resolve, 30))
    gate.open()
    await Promise.all(flood)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(running.chain.attestations).toHaveLength(1)
    await running.node.drain()
  })

  test('a challenge that waited too long is refused, not answered to nobody', async () => {
    const gate = new GatedAgent()
    const running = await startNode({ agent: gate.wrap })
    gate.shut()
    const first = running.get(`/v1/attestation?nonce=${nonceOf(0)}`)
    const second = running.get(`/v1/attestation?nonce=${nonceOf(1)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
    running.clock.pass(31)
    gate.open()
    expect((await first).status).toBe(200)
    expect(await errorOf(await second)).toMatchObject({ code: 'attestation_busy' })
  })
})
