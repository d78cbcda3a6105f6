import { sha256, toHex, type Hex } from '@jeju/verifier/protocol'
import type { Store } from '../storage/store.ts'

/** Registration evidence by its digest. */
export interface EvidenceArchive {
  /**
   * Stores evidence durably before it is named on chain; returns its SHA-256. It stays for good only when it is
   * confirmed: of attempts that came to nothing the newest few are kept, since one may have been mined after all.
   */
  put(evidence: Uint8Array): Promise<Hex>
  /** The chain names this evidence; nothing changes where it is not there. Worth repeating whenever the chain is read. */
  confirm(digest: Hex): Promise<void>
  /** Undefined when there is none, or when what is stored no longer has that digest (attacks S1, S5). */
  get(digest: Hex): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** Attempts that are kept without being confirmed. */
export const MAX_STAGED = 8

/** The archive in the node's database. */
export async function openEvidenceArchive(
  store: Store,
  now: () => Date = () => new Date(),
): Promise<EvidenceArchive> {
  const confirmed = new Set(
    (await store.all('SELECT digest FROM evidence WHERE confirmed = 1')).map(
      ({ digest }) => digest,
    ),
  )
  return {
    put: async (evidence) => {
      const digest = toHex(sha256(evidence))
      await store.write([
        {
          sql: 'INSERT OR IGNORE INTO evidence (digest, content, stored_at_ms, confirmed) VALUES (?, ?, ?, 0)',
          values: [digest, evidence, now().getTime()],
        },
        {
          sql: `DELETE FROM evidence WHERE confirmed = 0 AND digest NOT IN (
            SELECT digest FROM evidence WHERE confirmed = 0 ORDER BY rowid DESC LIMIT ?)`,
          values: [MAX_STAGED],
        },
      ])
      return digest
    },
    confirm: async (digest) => {
      if (confirmed.has(digest)) return
      const [changed] = await store.write([
        { sql: 'UPDATE evidence SET confirmed = 1 WHERE digest = ?', values: [digest] },
      ])
      if (changed === 1) confirmed.add(digest)
    },
    get: async (digest) => {
      const sql = 'SELECT content FROM evidence WHERE digest = ?'
      const content = (await store.all(sql, [digest]))[0]?.['content']
      if (!(content instanceof Uint8Array) || toHex(sha256(content)) !== digest) return undefined
      return new Uint8Array(content)
    },
  }
}
