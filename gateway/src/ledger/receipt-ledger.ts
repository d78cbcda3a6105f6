import type { Hex } from '@jeju/verifier/protocol'

/** One verified answer as it is accounted for: who owed what to whom, and both signatures' digests. No content. */
export interface LedgerEntry {
  /** Unix milliseconds. */
  readonly at: number
  /** EIP-712 digest of the authorisation; an answer's name, unique. */
  readonly authHash: Hex
  readonly agentId: bigint
  readonly bindingId: Hex
  /** The wallet whose channel pays. */
  readonly wallet: Hex
  readonly channelId: Hex
  readonly modelId: Hex
  readonly priceVersion: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Wei. */
  readonly fee: bigint
  /** The compute receipt as it came (docs/protocol.md §6). */
  readonly receipt: string
}

/** Where the receipts of verified answers are kept. */
export interface ReceiptLedger {
  /**
   * Takes an entry, and waits for nobody.
   * @param onOther told of another receipt that was kept before for the same authorisation, by whichever replica
   */
  add(entry: LedgerEntry, onOther?: (receipt: string) => void): void
  /** Entries that are not written yet. */
  readonly waiting: number
  /** Whether it is so far behind that nothing more may be taken: an answer that is not accounted for is not given. */
  readonly isFull: boolean
  /** Writes what is waiting, and ends. */
  close(): Promise<void>
}

/** Keeps nothing: the nodes' journals and the clients' own receipts are the only records. */
export const noLedger: ReceiptLedger = {
  add: () => undefined,
  waiting: 0,
  isFull: false,
  close: async () => undefined,
}
