import {
  asDecimal,
  asHex,
  asInteger,
  canonicalJson,
  exactObject,
  parseCanonicalJson,
  ProtocolError,
  type Hex,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import type { Store } from '../store/store.ts'
import type { ChannelOwner } from './channel-records.ts'

/** What is kept of a channel that is paid by vouchers. */
export interface VoucherSum {
  /** Wei that it may have been charged: known fees, and the maximum of each request whose fee is not known. */
  readonly committed: bigint
  /** Wei of known fees: what its last voucher is for. */
  readonly known: bigint
  /** Who signs for it: 32 random bytes of one channel book. */
  readonly holder: Hex
}

/** Sums that were signed for, of the channels of one wallet, in a store. */
export class VoucherSums {
  readonly #store: Store
  readonly #folder: string

  constructor(store: Store, { chainId, ledger, user }: ChannelOwner) {
    this.#store = store
    this.#folder = `vouchers/${chainId}-${ledger}-${user}`.toLowerCase()
  }

  /** Throws `RECORD_INVALID`. */
  async find(channelId: Hex): Promise<VoucherSum | undefined> {
    const name = this.#nameOf(channelId)
    const text = await this.#store.read(name)
    return text === undefined ? undefined : parseSum(text, name)
  }

  async save(channelId: Hex, { committed, known, holder }: VoucherSum): Promise<void> {
    const sums = { committed: committed.toString(), known: known.toString() }
    const text = canonicalJson({ v: 1, ...sums, holder })
    await this.#store.write(this.#nameOf(channelId), text)
  }

  async forget(channelId: Hex): Promise<void> {
    await this.#store.remove(this.#nameOf(channelId))
  }

  #nameOf(channelId: Hex): string {
    return `${this.#folder}/${channelId}`
  }
}

function parseSum(text: string, name: string): VoucherSum {
  try {
    const members = ['v', 'committed', 'known', 'holder'] as const
    const sum = exactObject(parseCanonicalJson(text, name), name, members)
    asInteger(sum['v'], `${name}.v`, { min: 1, max: 1 })
    return {
      committed: asDecimal(sum['committed'], `${name}.committed`, 128),
      known: asDecimal(sum['known'], `${name}.known`, 128),
      holder: asHex(sum['holder'], `${name}.holder`, 32),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SdkError('RECORD_INVALID', cause.message, { cause })
  }
}

/**
 * The sum of one channel, on disk before anything is signed for it: a process that starts again signs for no less than may
 * have been charged. One book signs for a channel at a time, since nobody else's requests are in its sum: one that finds
 * the channel later takes it over, and whoever had it hears of that before it signs again.
 */
export class KeptSum {
  readonly #sums: VoucherSums
  readonly #channelId: Hex
  readonly #holder: Hex
  readonly #now: () => Omit<VoucherSum, 'holder'>
  #isHeld = false
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(
    sums: VoucherSums,
    { channelId, holder }: { readonly channelId: Hex; readonly holder: Hex },
    now: () => Omit<VoucherSum, 'holder'>,
  ) {
    this.#sums = sums
    this.#channelId = channelId
    this.#holder = holder
    this.#now = now
  }

  /**
   * Resolves when what is committed now is kept; what comes while the disk is busy is kept together. Rejects with
   * {@link TakenOver}, and as the store does.
   */
  keep(): Promise<void> {
    if (this.#next === undefined) {
      // The one under way has taken the sum as it was.
      const next = this.#last
        .catch(() => undefined)
        .then(() => {
          this.#next = undefined
          return this.#write()
        })
      this.#next = next
      this.#last = next
    }
    return this.#next
  }

  async #write(): Promise<void> {
    const { committed, known } = this.#now()
    const kept = await this.#sums.find(this.#channelId)
    if (this.#isHeld && kept?.holder !== this.#holder) throw new TakenOver()
    await this.#sums.save(this.#channelId, { committed, known, holder: this.#holder })
    this.#isHeld = true
  }
}

/** Another channel book signs for the channel now. */
export class TakenOver extends Error {
  override readonly name = 'TakenOver'
}
