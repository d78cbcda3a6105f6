import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256, toBareHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

/** Registration evidence by its digest, and by the name that the chain has for it where that is another one. */
export interface EvidenceArchive {
  /**
   * Stores evidence durably before it is named on chain; returns its SHA-256. It stays for good only when it is
   * confirmed: of attempts that came to nothing the newest few are kept, since one may have been mined after all.
   * @param chainName 32 bytes under which the chain names it, where those are not its digest
   */
  put(evidence: Uint8Array, chainName?: Hex): Promise<Hex>
  /** The chain names this evidence. */
  confirm(digest: Hex, chainName?: Hex): Promise<void>
  /** Undefined when there is none, or when what is stored no longer has that digest (attacks S1, S5). */
  get(name: Hex): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** Files that are kept of attempts that are not confirmed: one each, two where the chain has another name for it. */
export const MAX_STAGED = 8
/** A file of this size holds the digest of the evidence that the chain calls by the file's name. */
const DIGEST_BYTES = 32

/** An archive in `<stateDir>/evidence`, one file a digest or name; attempts in `staged` below it. */
export async function openEvidenceArchive(stateDir: string): Promise<EvidenceArchive> {
  const folder = join(stateDir, 'evidence')
  const staged = join(folder, 'staged')
  await mkdir(staged, { recursive: true })
  const read = async (name: Hex): Promise<Uint8Array | undefined> => {
    const file = name.slice(2)
    return (await readIfPresent(join(folder, file))) ?? (await readIfPresent(join(staged, file)))
  }
  return {
    put: async (evidence, chainName) => {
      const digest = sha256(evidence)
      await writeDurably(join(staged, toBareHex(digest)), evidence)
      if (chainName !== undefined) await writeDurably(join(staged, chainName.slice(2)), digest)
      await prune(staged)
      return toHex(digest)
    },
    confirm: async (...names) => {
      for (const name of names) {
        if (name === undefined) continue
        await rename(join(staged, name.slice(2)), join(folder, name.slice(2)))
      }
    },
    get: async (name) => {
      const found = await read(name)
      const digest = found?.length === DIGEST_BYTES ? toHex(found) : name
      const stored = digest === name ? found : await read(digest)
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
