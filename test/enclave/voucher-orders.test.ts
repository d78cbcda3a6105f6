import fc from 'fast-check'
import { authDigest, type SignedRequestAuth } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import {
  MAX_ABOVE,
  VoucherChannel,
  type HeldVoucher,
} from '../../enclave/src/payment/voucher-state.ts'
import { servingDomain } from './setting/deployment.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'
import { chatBody, digestOf } from './setting/test-client.ts'
import { closeStores, openVouchers, type VoucherSetting } from './setting/voucher-setting.ts'

afterAll(async () => {
  await closeStores()
  await cleanUp()
})

const BODY = chatBody()
const LOCKED = 10n ** 12n

/** What happens to an honest client and its node; numbers choose among what is under way. */
type Step =
  | { readonly what: 'sign'; readonly maxFee: bigint }
  | { readonly what: 'arrive' | 'lose' | 'abandon'; readonly which: number }
  | {
      readonly what: 'answer'
      readonly which: number
      readonly share: number
      readonly seen: boolean
    }
  | { readonly what: 'hear'; readonly which: number }
  | { readonly what: 'settle'; readonly covering: boolean }
  | { readonly what: 'bring' | 'kill' }

const which = fc.nat(30)
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        what: fc.constant('sign' as const),
        maxFee: fc.bigInt({ min: 1n, max: 1_000n }),
      }),
    },
    { weight: 8, arbitrary: fc.record({ what: fc.constant('arrive' as const), which }) },
    {
      weight: 6,
      arbitrary: fc.record({
        what: fc.constant('answer' as const),
        which,
        share: fc.nat(100),
        seen: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('hear' as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constantFrom('lose' as const, 'abandon' as const), which }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ what: fc.constant('settle' as const), covering: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constantFrom('bring' as const, 'kill' as const) }),
    },
  ),
  { minLength: 10, maxLength: 60 },
)

/** A request that is over at the node, and what the client will hear of it. */
interface Ended {
  readonly maxFee: bigint
  readonly fee: bigint
}

/** An honest client and a node, step by step, and what must hold after each. */
class Walk {
  readonly #folder: string
  #node: VoucherSetting
  #inTransit: SignedRequestAuth[] = []
  #answering: SignedRequestAuth[] = []
  #unheard: Ended[] = []
  /** Fees that the client knows of, and what the node has charged. */
  #known = 0n
  #charged = 0n
  /** Every sum that the node was ever shown. */
  readonly #shown = new Set<bigint>()

  constructor(folder: string, node: VoucherSetting) {
    this.#folder = folder
    this.#node = node
  }

  async step(step: Step): Promise<void> {
    const { client, journal, takeSigned, answer } = this.#node
    switch (step.what) {
      case 'sign':
        this.#inTransit.push(client.sign(BODY, { maxFee: step.maxFee }))
        break
      case 'arrive': {
        const signed = taken(this.#inTransit, step.which)
        if (signed === undefined) break
        // Whatever came before it, in whatever order.
        expect(await takeSigned(signed)).toBe('ok')
        this.#shown.add(signed.voucher?.cumulative ?? 0n)
        this.#answering.push(signed)
        break
      }
      case 'lose':
        taken(this.#inTransit, step.which)
        break
      case 'abandon': {
        const signed = taken(this.#answering, step.which)
        if (signed === undefined) break
        await journal.abandon(authDigest(signed.auth, servingDomain), 'not_served')
        this.#unheard.push({ maxFee: signed.auth.maxFee, fee: 0n })
        break
      }
      case 'answer': {
        const signed = taken(this.#answering, step.which)
        if (signed === undefined) break
        const { maxFee } = signed.auth
        const fee = (maxFee * BigInt(step.share)) / 100n
        await answer(fee, signed, false)
        this.#charged += fee
        if (step.seen) this.#unheard.push({ maxFee, fee })
        break
      }
      case 'hear': {
        const ended = taken(this.#unheard, step.which)
        if (ended === undefined) break
        client.ended(ended.maxFee, ended.fee)
        this.#known += ended.fee
        break
      }
      case 'bring': {
        if (journal.vouchers.signerOf(client.channelId) === undefined) break
        const voucher = client.voucher(this.#known)
        await this.#node.store.write([...journal.vouchers.bring(client.channelId, voucher)])
        this.#shown.add(this.#known)
        break
      }
      case 'settle':
        await this.#settle(step.covering)
        break
      case 'kill':
        // Nothing is closed: what is on disk is what there is. What was being answered is burned.
        this.#answering = []
        this.#node = await openVouchers(LOCKED, this.#folder, this.#node)
        break
    }
  }

  async check(): Promise<void> {
    const { client, journal, chain } = this.#node
    const { channelId } = client
    const funds = await chain.channel(channelId)
    const shown = [...this.#shown]
    expect(journal.vouchers.owed(channelId)).toBe(this.#owed(funds.spent))
    if (this.#charged <= funds.spent) return
    const within = largest(shown.filter((sum) => sum <= this.#charged))
    const covers = smallest(shown.filter((sum) => sum >= this.#charged))
    expect(covers).toBeDefined()
    const exact = journal.vouchers.claimOf(channelId, funds, true)
    expect(exact?.cumulative).toBe(covers)
    const normal = journal.vouchers.claimOf(channelId, funds, false)
    expect(normal?.cumulative).toBe(
      within !== undefined && within > funds.spent ? within : undefined,
    )
  }

  async #settle(covering: boolean): Promise<void> {
    const { client, journal, chain, store } = this.#node
    const { channelId } = client
    const claim = journal.vouchers.claimOf(channelId, await chain.channel(channelId), covering)
    if (claim === undefined) return
    if (!covering) expect(claim.cumulative).toBeLessThanOrEqual(this.#charged)
    journal.vouchers.claiming(channelId)
    const paid = await chain.settleVoucher(claim)
    expect(paid).toBe(claim.brings)
    await store.write([...journal.vouchers.claimed(channelId, paid)])
  }

  #owed(spent: bigint): bigint {
    return this.#charged > spent ? this.#charged - spent : 0n
  }

  /** The client is done and has heard of everything that can be heard: what is charged is paid, to the wei. */
  async end(): Promise<void> {
    for (const ended of this.#unheard) this.#known += ended.fee
    const { client, journal, chain, store } = this.#node
    const { channelId } = client
    const isKnown = this.#known === this.#charged
    if (isKnown && journal.vouchers.signerOf(channelId) !== undefined) {
      await store.write([...journal.vouchers.bring(channelId, client.voucher(this.#known))])
    }
    const before = (await chain.channel(channelId)).spent
    await this.#settle(true)
    const { spent } = await chain.channel(channelId)
    expect(journal.vouchers.owed(channelId)).toBe(0n)
    expect(spent).toBeGreaterThanOrEqual(this.#charged)
    if (isKnown) expect(spent).toBe(before > this.#charged ? before : this.#charged)
  }
}

function taken<Value>(values: Value[], which_: number): Value | undefined {
  return values.length === 0 ? undefined : values.splice(which_ % values.length, 1)[0]
}

function largest(sums: readonly bigint[]): bigint | undefined {
  return sums.toSorted((a, b) => (a < b ? 1 : -1))[0]
}

function smallest(sums: readonly bigint[]): bigint | undefined {
  return sums.toSorted((a, b) => (a < b ? -1 : 1))[0]
}

test('an honest client is served in every order of arrivals, answers, losses and kills, and pays what was charged', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (walked) => {
      const folder = await temporaryFolder()
      const walk = new Walk(folder, await openVouchers(LOCKED, folder))
      for (const step of walked) {
        await walk.step(step)
        await walk.check()
      }
      await walk.end()
      await closeStores()
    }),
    { numRuns: 60 },
  )
}, 120_000)

test('24 prompts that are signed at once arrive in any order', async () => {
  const orders = fc.shuffledSubarray(
    Array.from({ length: 24 }, (_, at) => at),
    { minLength: 24 },
  )
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const { client, takeSigned } = await openVouchers(24_000n)
      const signed = order.map(() => client.sign(BODY))
      // All of what is locked is promised: there is no room for a single wei of slack.
      const codes = await Promise.all(
        order.map(async (at) => {
          const one = signed[at]
          return one && takeSigned(one)
        }),
      )
      expect(new Set(codes)).toEqual(new Set(['ok']))
      await closeStores()
    }),
    { numRuns: 20 },
  )
}, 60_000)

const voucherOf = (cumulative: bigint): HeldVoucher => ({ cumulative, signature: '0x00' })

test('S6 however many vouchers come, few are kept: the highest, and what covers what was charged', () => {
  const sums = fc.array(fc.bigInt({ min: 1n, max: 10_000n }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(sums, fc.bigInt({ min: 0n, max: 10_000n }), (cumulatives, fees) => {
      const stored = { channelId: digestOf('channel'), signer: '0x00', usedAt: 0n } as const
      const channel = new VoucherChannel({ ...stored, fees, settled: 0n, held: [] }, false)
      for (const cumulative of cumulatives) {
        channel.hold(voucherOf(cumulative), '0x00')
        channel.prune()
      }
      expect(channel.held.length).toBeLessThanOrEqual(MAX_ABOVE + 1)
      expect(channel.highest).toBe(largest(cumulatives))
      const held = channel.held.map(({ cumulative }) => cumulative)
      const within = largest(cumulatives.filter((sum) => sum <= fees))
      const covers = smallest(cumulatives.filter((sum) => sum > fees))
      if (within !== undefined) expect(held).toContain(within)
      if (covers !== undefined) expect(held).toContain(covers)
    }),
  )
})
