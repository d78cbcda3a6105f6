import type { Hex } from '@jeju/verifier/protocol'

/** How far the chain was read. */
export interface Cursor {
  readonly block: bigint
  readonly hash: Hex
}

/** An answer that was not what its node signed for, as it is kept: hashes, signatures and checks, no content. */
export interface Finding {
  /** Unix milliseconds. */
  readonly at: number
  readonly agentId: bigint
  readonly bindingId: Hex
  /** JSON: authorisation without its salt, receipt as it came, hash of the bytes received, failed checks. */
  readonly evidence: string
}

/** Findings, and where those before them begin. */
export interface FindingsPage {
  readonly findings: readonly Finding[]
  /** Undefined when there are no more. */
  readonly next: string | undefined
}

/** What a gateway remembers between two starts. Holds no prompt, no answer and no key. */
export interface GatewayStore {
  readonly discovery: {
    cursor(): Cursor | undefined
    agents(): readonly bigint[]
    /** What was found up to the cursor. */
    save(cursor: Cursor, found: readonly bigint[]): void
  }
  readonly sessions: {
    /** Kept until `keepUntilMs` at least. */
    put(id: string, document: string, keepUntilMs: number): void
    /** Keeps one that is there until `keepUntilMs` at least. */
    keep(id: string, keepUntilMs: number): void
    get(id: string): string | undefined
  }
  readonly findings: {
    add(finding: Finding): void
    /**
     * So many, newest first: from the newest on, or from where a page of this very store ended. Undefined where `after`
     * is no `next` of its own, or the finding it names has been forgotten.
     */
    page(limit: number, after?: string): FindingsPage | undefined
  }
  readonly distrusted: {
    put(bindingId: Hex, untilMs: number): void
    /** Bindings and until when, Unix milliseconds. */
    all(): ReadonlyMap<Hex, number>
  }
  readonly budgets: {
    /** What an account has spent on a day (`YYYY-MM-DD`). */
    spent(account: string, day: string): bigint
    set(account: string, day: string, spent: bigint): void
  }
  readonly used: {
    /** Whether the name was not there yet; kept until `untilMs` at least. */
    take(name: string, untilMs: number): boolean
  }
  readonly fees: {
    /** What receipts of a channel of this gateway's own come to, wei. */
    add(channelId: Hex, fee: bigint): void
    of(channelId: Hex): bigint
  }
  /** Forgets what need not be kept any more. */
  prune(nowMs: number): void
  close(): void
}
