import { sha256, toHex, type Hex } from '@jeju/verifier/protocol'
import type { Store } from '../storage/store.ts'

/** Registration evidence by its digest, and by the name that the chain has for it where that is another one. */
export interface EvidenceArchive {
  /**
   * Stores evidence durably before it is named on chain; returns its SHA-256. It stays for good only when it is
   * confirmed: of attempts that came to nothing the newest few are kept, since one may have been mined after all.
   * `named` is the hash that the chain records, where that is another one.
   */
  put(evidence: Uint8Array, named?: Hex): Promise<Hex>
  /**
   * The chain names this evidence. Nothing changes where it is not there: to be repeated whenever the chain is read, since a
   * crash may come before the first time.
   */
  confirm(named: Hex): Promise<void>
  /** Undefined when there is none, or when what is stored no longer has that digest (attacks S1, S5). */
  get(name: Hex): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** Attempts that are kept without being confirmed. */
export const MAX_STAGED = 8

/** The archive in the node's database. */
export function createEvidenceArchive(store: Store, now: () => Date): EvidenceArchive {
  const confirmed = new Set<string>()
  return {
    put: async (evidence, named) => {
      const digest = toHex(sha256(evidence))
      await store.write([
        {
          sql: 'INSERT OR IGNORE INTO evidence (digest, content, named, stored_at_ms, confirmed) VALUES (?, ?, ?, ?, 0)',
          values: [digest, evidence, named ?? digest, now().getTime()],
        },
        {
          sql: `DELETE FROM evidence WHERE confirmed = 0 AND digest NOT IN (
            SELECT digest FROM evidence WHERE confirmed = 0 ORDER BY rowid DESC LIMIT ?)`,
          values: [MAX_STAGED],
        },
      ])
      return digest
    },
    confirm: async (named) => {
      if (confirmed.has(named)) return
      const sql = 'UPDATE evidence SET confirmed = 1 WHERE named = ?'
      const [changed] = await store.write([{ sql, values: [named] }])
      if (changed === 1) confirmed.add(named)
    },
    get: async (name) => {
      const sql = 'SELECT content, digest FROM evidence WHERE digest = ? OR named = ?'
      const found = (await store.all(sql, [name, name]))[0]
      const content = found?.['content']
      if (!(content instanceof Uint8Array)) return undefined
      return toHex(sha256(content)) === found?.['digest'] ? new Uint8Array(content) : undefined
    },
  }
}
