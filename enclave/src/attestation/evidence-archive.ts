import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256, toBareHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

/** Registration evidence by its digest. */
export interface EvidenceArchive {
  /**
   * Stores evidence durably before it is named on chain; returns its SHA-256. It stays for good only when it is
   * confirmed: of attempts that came to nothing the newest few are kept, since one may have been mined after all.
   */
  put(evidence: Uint8Array): Promise<Hex>
  /** The chain names this evidence. */
  confirm(digest: Hex): Promise<void>
  /** Undefined when there is none, or when what is stored no longer has that digest (attacks S1, S5). */
  get(digest: Hex): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** Attempts that are kept without being confirmed. */
export const MAX_STAGED = 8

/** An archive in `<stateDir>/evidence`, one file a digest; attempts in `staged` below it. */
export async function openEvidenceArchive(stateDir: string): Promise<EvidenceArchive> {
  const folder = join(stateDir, 'evidence')
  const staged = join(folder, 'staged')
  await mkdir(staged, { recursive: true })
  return {
    put: async (evidence) => {
      const digest = sha256(evidence)
      await writeDurably(join(staged, toBareHex(digest)), evidence)
      await prune(staged)
      return toHex(digest)
    },
    confirm: async (digest) => {
      const name = digest.slice(2)
      await rename(join(staged, name), join(folder, name))
    },
    get: async (digest) => {
      const name = digest.slice(2)
      const stored =
        (await readIfPresent(join(folder, name))) ?? (await readIfPresent(join(staged, name)))
      if (stored === undefined || toHex(sha256(stored)) !== digest) return undefined
      return new Uint8Array(stored)
    },
  }
}

/** Removes the oldest attempts beyond {@link MAX_STAGED}. */
async function prune(staged: string): Promise<void> {
  const names = await readdir(staged)
  if (names.length <= MAX_STAGED) return
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(staged, name))).mtimeMs })),
  )
  const oldest = dated.toSorted((a, b) => a.at - b.at).slice(0, names.length - MAX_STAGED)
  for (const { name } of oldest) await rm(join(staged, name), { force: true })
}
