import fc from 'fast-check'
import { addressOf, authDigest, randomBytes32, signVoucher } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import {
  MAX_ABOVE,
  VoucherChannel,
  type HeldVoucher,
} from '../../enclave/src/payment/voucher-state.ts'
import { BookClient, type SignedByBook } from './setting/book-client.ts'
import { servingDomain } from './setting/deployment.ts'
import { BINDING, closeStores } from './setting/payment.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'
import { chatBody, digestOf } from './setting/test-client.ts'
import { openVouchers, type VoucherSetting } from './setting/voucher-setting.ts'

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
  | { readonly what: 'bring' | 'kill node' | 'kill client' }

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
      arbitrary: fc.record({
        what: fc.constantFrom('bring' as const, 'kill node' as const, 'kill client' as const),
      }),
    },
  ),
  { minLength: 10, maxLength: 60 },
)

/** A request that is over at the node, and what the client will hear of it: its fee, or a refusal. */
interface Ended {
  readonly sent: SignedByBook
  readonly fee: bigint | undefined
}

/** An honest client with the SDK's books, and a node, step by step, and what must hold after each. */
class Walk {
  readonly #folder: string
  readonly #client: BookClient
  #node: VoucherSetting
  #inTransit: SignedByBook[] = []
  #answering: SignedByBook[] = []
  #unheard: Ended[] = []
  #any: SignedByBook | undefined
  /** Fees that the client knows of, and what the node has charged. */
  #known = 0n
  #charged = 0n
  /** Every sum that the node was ever shown. */
  readonly #shown = new Set<bigint>()

  constructor(folder: string, node: VoucherSetting) {
    this.#folder = folder
    this.#node = node
    this.#client = new BookClient(node.chain, BINDING, LOCKED)
  }

  async step(step: Step): Promise<void> {
    switch (step.what) {
      case 'sign':
        this.#any = await this.#client.sign(BODY, step.maxFee)
        this.#inTransit.push(this.#any)
        break
      case 'arrive':
        await this.#arrive(taken(this.#inTransit, step.which))
        break
      case 'lose':
        taken(this.#inTransit, step.which)
        break
      case 'abandon': {
        const sent = taken(this.#answering, step.which)
        if (sent === undefined) break
        const authHash = authDigest(sent.signed.auth, servingDomain)
        await this.#node.journal.abandon(authHash, 'not_served')
        this.#unheard.push({ sent, fee: undefined })
        break
      }
      case 'answer': {
        const sent = taken(this.#answering, step.which)
        if (sent === undefined) break
        const fee = (sent.signed.auth.maxFee * BigInt(step.share)) / 100n
        await this.#node.answer(fee, sent.signed, false)
        this.#charged += fee
        if (step.seen) this.#unheard.push({ sent, fee })
        break
      }
      case 'hear':
        this.#hear(taken(this.#unheard, step.which))
        break
      case 'bring':
        await this.#bring()
        break
      case 'settle':
        await this.#settle(step.covering)
        break
      case 'kill node':
        // Nothing is closed: what is on disk is what there is. What was being answered is burned.
        this.#answering = []
        this.#node = await openVouchers(LOCKED, this.#folder, this.#node)
        break
      case 'kill client':
        // What was under way is heard of by nobody; it may still arrive.
        this.#unheard = []
        this.#client.book = this.#client.another()
        break
    }
  }

  async check(): Promise<void> {
    if (this.#any === undefined) return
    const { journal, chain } = this.#node
    const { channelId } = this.#any.signed.auth
    const funds = await chain.channel(channelId)
    const owed = this.#charged > funds.spent ? this.#charged - funds.spent : 0n
    expect(journal.vouchers.owed(channelId)).toBe(owed)
    if (owed === 0n) return
    const shown = [...this.#shown]
    const within = largest(shown.filter((sum) => sum <= this.#charged && sum > funds.spent))
    const covers = smallest(shown.filter((sum) => sum >= this.#charged))
    expect(covers).toBeDefined()
    expect(journal.vouchers.claimOf(channelId, funds, true)?.cumulative).toBe(covers)
    expect(journal.vouchers.claimOf(channelId, funds, false)?.cumulative).toBe(within)
  }

  /** The client has heard of everything that can be heard: what is charged is paid, to the wei. */
  async end(): Promise<void> {
    for (const ended of this.#unheard.splice(0)) this.#hear(ended)
    if (this.#any === undefined) return
    const { journal, chain } = this.#node
    const { channelId } = this.#any.signed.auth
    await this.#bring()
    const before = (await chain.channel(channelId)).spent
    await this.#settle(true)
    const { spent } = await chain.channel(channelId)
    expect(journal.vouchers.owed(channelId)).toBe(0n)
    expect(spent).toBeGreaterThanOrEqual(this.#charged)
    if (this.#known !== this.#charged) return
    expect(spent).toBe(before > this.#charged ? before : this.#charged)
  }

  async #arrive(sent: SignedByBook | undefined): Promise<void> {
    if (sent === undefined) return
    // Whatever came before it, in whatever order.
    expect(await this.#node.takeSigned(sent.signed)).toBe('ok')
    this.#shown.add(sent.signed.voucher?.cumulative ?? 0n)
    this.#answering.push(sent)
  }

  #hear(ended: Ended | undefined): void {
    if (ended === undefined) return
    const { sent, fee } = ended
    if (fee === undefined) return sent.reservation.released()
    this.#client.charged(sent, fee)
    this.#known += fee
  }

  /** A voucher for what the client knows that it was charged. */
  async #bring(): Promise<void> {
    const { journal, store } = this.#node
    const { signed, reservation } = this.#any ?? {}
    const channelId = signed?.auth.channelId
    if (channelId === undefined || journal.vouchers.signerOf(channelId) === undefined) return
    const key = reservation?.channel.sessionKey ?? randomBytes32()
    const voucher = signVoucher({ channelId, cumulative: this.#known }, servingDomain, key)
    await store.write([...journal.vouchers.bring(channelId, voucher, addressOf(key))])
    this.#shown.add(this.#known)
  }

  async #settle(covering: boolean): Promise<void> {
    if (this.#any === undefined) return
    const { journal, chain, store } = this.#node
    const { channelId } = this.#any.signed.auth
    const claim = journal.vouchers.claimOf(channelId, await chain.channel(channelId), covering)
    if (claim === undefined) return
    if (!covering) expect(claim.cumulative).toBeLessThanOrEqual(this.#charged)
    journal.vouchers.claiming(channelId)
    const paid = await chain.settleVoucher(claim)
    expect(paid).toBe(claim.brings)
    await store.write([...journal.vouchers.claimed(channelId, paid)])
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

test('24 prompts that the SDK signs at once arrive in any order', async () => {
  const orders = fc.shuffledSubarray(
    Array.from({ length: 24 }, (_, at) => at),
    { minLength: 24 },
  )
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const { chain, takeSigned } = await openVouchers()
      // All of what is locked is promised: there is no room for a single wei of slack.
      const client = new BookClient(chain, BINDING, 24_000n)
      const sent = await Promise.all(order.map(() => client.sign(BODY, 1_000n)))
      const codes = await Promise.all(
        order.map(async (at) => {
          const one = sent[at]
          return one && takeSigned(one.signed)
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
