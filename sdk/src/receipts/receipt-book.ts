import { parseComputeReceipt, type Hex } from '@jeju/verifier/protocol'
import type { Store } from '../store/store.ts'
import {
  encodeEvidenceRecord,
  parseEvidenceRecord,
  type EvidenceRecord,
} from './evidence-record.ts'
import {
  encodeInclusionRecord,
  parseInclusionRecord,
  type InclusionRecord,
} from './inclusion-record.ts'
import {
  encodeReceiptRecord,
  feeOfRecord,
  parseReceiptRecord,
  type ReceiptRecord,
} from './receipt-record.ts'

const RECEIPTS = 'receipts'
const EVIDENCE = 'evidence'
const INCLUSION = 'inclusion'
/** Milliseconds in a name: of one length, so that names are in order of time. */
const TIME_DIGITS = 14

/** Receipts in a store, by channel and time, and the evidence their nodes were verified with. */
export class ReceiptBook {
  readonly #store: Store
  readonly #kept = new Set<Hex>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Keeps an answer that verified, and once for each verification what proved its node. */
  async keep(record: ReceiptRecord, evidence: EvidenceRecord): Promise<void> {
    if (!this.#kept.has(record.evidence)) {
      await this.#store.write(`${EVIDENCE}/${record.evidence}`, encodeEvidenceRecord(evidence))
      this.#kept.add(record.evidence)
    }
    await this.#store.write(nameOf(record), encodeReceiptRecord(record))
  }

  /** Names of all receipts, or of those of one channel; oldest first within a channel. */
  names(channelId?: Hex): Promise<readonly string[]> {
    return this.#store.list(channelId === undefined ? RECEIPTS : `${RECEIPTS}/${channelId}`)
  }

  /** Throws `RECORD_INVALID`; undefined where it is gone. */
  async read(name: string): Promise<ReceiptRecord | undefined> {
    const text = await this.#store.read(name)
    return text === undefined ? undefined : parseReceiptRecord(text, name)
  }

  /** Throws `RECORD_INVALID`. */
  async evidence(digest: Hex): Promise<EvidenceRecord | undefined> {
    const text = await this.#store.read(`${EVIDENCE}/${digest}`)
    return text === undefined ? undefined : parseEvidenceRecord(text, digest)
  }

  /** Keeps a proof beside the receipt of that name. */
  async keepInclusion(name: string, inclusion: InclusionRecord): Promise<void> {
    await this.#store.write(inclusionOf(name), encodeInclusionRecord(inclusion))
  }

  /** Throws `RECORD_INVALID`; undefined where none was kept. */
  async inclusion(name: string): Promise<InclusionRecord | undefined> {
    const text = await this.#store.read(inclusionOf(name))
    return text === undefined ? undefined : parseInclusionRecord(text, inclusionOf(name))
  }

  /** What the receipts of a channel come to, wei: what may be settled of it, whether or not it has been. */
  async feesOf(channelId: Hex): Promise<bigint> {
    const names = await this.names(channelId)
    const records = await Promise.all(names.map((name) => this.read(name)))
    return records.reduce(
      (sum, record) => (record === undefined ? sum : sum + feeOfRecord(record)),
      0n,
    )
  }
}

function inclusionOf(name: string): string {
  return `${INCLUSION}${name.slice(RECEIPTS.length)}`
}

function nameOf(record: ReceiptRecord): string {
  const { authHash } = parseComputeReceipt(record.receipt).receipt
  const time = String(record.at.getTime()).padStart(TIME_DIGITS, '0')
  return `${RECEIPTS}/${record.signed.auth.channelId}/${time}-${authHash}`
}
