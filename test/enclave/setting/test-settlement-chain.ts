import { keccak256, toHex, utf8, type Hex, type SignedVoucher } from '@jeju/verifier/protocol'
import {
  ChainError,
  type SettlementItem,
  type SettlementStatus,
} from '../../../enclave/src/chain/node-chain.ts'
import type {
  GasFees,
  Inclusion,
  Settleable,
  SettlementChain,
  SignedTransaction,
} from '../../../enclave/src/chain/settlement-chain.ts'
import { createTurns } from '../../../enclave/src/chain/turns.ts'
import type { TestChain } from './test-chain.ts'

/** What the blocks of one chain in memory hold, whichever node looks. */
interface Blocks {
  readonly included: Map<Hex, Inclusion>
  readonly signed: Map<Hex, Settleable>
  mined: number
  height: bigint
}

const blocksOf = new WeakMap<TestChain, Blocks>()

/** A chain in memory that takes a transaction into a block as soon as it is sent, and adds blocks above at once. */
export class TestSettlementChain implements SettlementChain {
  readonly inTurn = createTurns()
  readonly #chain: TestChain
  readonly #blocks: Blocks
  fees: GasFees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
  gas = 100_000n
  /** Blocks above the one that takes a transaction in. */
  above = 100n

  constructor(chain: TestChain) {
    this.#chain = chain
    const fresh = { included: new Map(), signed: new Map(), mined: 0, height: 1_000n }
    this.#blocks = blocksOf.get(chain) ?? fresh
    blocksOf.set(chain, this.#blocks)
  }

  agreedHead(): Promise<bigint> {
    return this.#answer(() => this.#blocks.height + this.above)
  }

  gasFees(): Promise<GasFees> {
    return this.#answer(() => this.fees)
  }

  accountNonces(): Promise<{ readonly mined: number; readonly next: number }> {
    return this.#answer(() => ({ mined: this.#blocks.mined, next: this.#blocks.mined }))
  }

  balance(): Promise<bigint> {
    return this.#answer(() => 10n ** 18n)
  }

  claimable(): Promise<bigint> {
    return this.#answer(() =>
      [...this.#chain.channels.values()].reduce((sum, c) => sum + c.spent, 0n),
    )
  }

  preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    return this.#chain.preview(items)
  }

  agreedPreview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    return this.#chain.preview(items)
  }

  previewVoucher(voucher: SignedVoucher): Promise<bigint> {
    return this.#chain.previewVoucher(voucher)
  }

  estimateGas(_settled: Settleable): Promise<bigint> {
    return this.#answer(() => this.gas)
  }

  dataFee(): Promise<bigint> {
    return this.#answer(() => 0n)
  }

  sign(
    settled: Settleable,
    terms: GasFees & { readonly nonce: number },
  ): Promise<SignedTransaction> {
    const names =
      'items' in settled
        ? settled.items.map(({ receipt }) => receipt.authHash).join()
        : `${settled.voucher.channelId} ${settled.voucher.cumulative}`
    const raw = toHex(utf8(`${terms.nonce} ${terms.maxFeePerGas} ${names}`))
    this.#blocks.signed.set(raw, settled)
    return Promise.resolve({ raw, hash: toHex(keccak256(utf8(raw))) })
  }

  async broadcast(raw: Hex): Promise<void> {
    const settled = this.#blocks.signed.get(raw)
    if (settled === undefined) throw new Error('a transaction nobody signed')
    const hash = toHex(keccak256(utf8(raw)))
    if (this.#blocks.included.has(hash)) return
    const include = (paid: ReadonlyMap<Hex, bigint>): void => {
      const blockNumber = ++this.#blocks.height
      this.#blocks.mined++
      const blockHash = toHex(keccak256(utf8(`block ${blockNumber}`)))
      this.#blocks.included.set(hash, { blockNumber, blockHash, paid })
    }
    const { losesAnswers } = this.#chain
    this.#chain.losesAnswers = false
    try {
      include(
        'items' in settled
          ? await this.#chain.settle(settled.items)
          : new Map([
              [settled.voucher.channelId, await this.#chain.settleVoucher(settled.voucher)],
            ]),
      )
    } finally {
      this.#chain.losesAnswers = losesAnswers
    }
    if (losesAnswers) throw new ChainError('CHAIN_UNAVAILABLE', 'the answer was lost')
  }

  inclusion(hash: Hex): Promise<Inclusion | undefined> {
    return this.#answer(() => this.#blocks.included.get(hash))
  }

  agreedInclusion(hash: Hex): Promise<Inclusion | undefined> {
    return this.inclusion(hash)
  }

  #answer<Answer>(make: () => Answer): Promise<Answer> {
    if (this.#chain.down) {
      return Promise.reject(new ChainError('CHAIN_UNAVAILABLE', 'HTTP request failed.'))
    }
    return Promise.resolve().then(make)
  }
}
