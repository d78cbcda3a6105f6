import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../enclave/src/storage/store.ts'

/** What a node's database says of its authorisations. */
export interface Books {
  /** By authHash, in the form of `receiptKey`. */
  readonly receipts: ReadonlyMap<string, string>
  /** Every authorisation that was taken. */
  readonly used: ReadonlySet<string>
  /** Receipts that are neither closed nor in a block. */
  readonly open: number
  /** Wei of all receipts. */
  readonly owed: bigint
}

/** One receipt as one string, so that what a client holds and what the disk holds can be compared. */
export function receiptKey(parts: {
  readonly responseHash: unknown
  readonly inputTokens: unknown
  readonly outputTokens: unknown
  readonly finish: unknown
  readonly issuedAt: unknown
  readonly signature: unknown
}): string {
  const { responseHash, inputTokens, outputTokens, finish, issuedAt, signature } = parts
  return [responseHash, inputTokens, outputTokens, finish, issuedAt, signature].map(String).join()
}

/** Reads a copy: the node may be writing. */
export async function readBooks(stateDir: string): Promise<Books> {
  const copy = await mkdtemp(join(tmpdir(), 'jeju-books-'))
  try {
    await cp(stateDir, copy, { recursive: true })
    const store = await openStore(copy)
    const used = await store.all('SELECT auth_hash, state FROM authorisations')
    const rows = await store.all('SELECT * FROM receipts')
    await store.close()
    const receipts = rows.map((row): [string, string] => [
      String(row['auth_hash']),
      receiptKey({
        responseHash: row['response_hash'],
        inputTokens: row['input_tokens'],
        outputTokens: row['output_tokens'],
        finish: row['finish'],
        issuedAt: row['issued_at'],
        signature: row['receipt_sig'],
      }),
    ])
    return {
      receipts: new Map(receipts),
      used: new Set(used.map((row) => String(row['auth_hash']))),
      open: used.filter(({ state }) => state === 'waiting' || state === 'sent').length,
      owed: rows.reduce((sum, { fee }) => sum + BigInt(String(fee)), 0n),
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
