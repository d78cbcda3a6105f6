import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256, toBareHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

/** Registration evidence by its digest. */
export interface EvidenceArchive {
  /** Stores evidence durably; returns its SHA-256. */
  put(evidence: Uint8Array): Promise<Hex>
  /** Undefined when there is none, or when what is stored no longer has that digest (attacks S1, S5). */
  get(digest: Hex): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** An archive in `<stateDir>/evidence`, one file a digest. */
export async function openEvidenceArchive(stateDir: string): Promise<EvidenceArchive> {
  const folder = join(stateDir, 'evidence')
  await mkdir(folder, { recursive: true })
  return {
    put: async (evidence) => {
      const digest = sha256(evidence)
      await writeDurably(join(folder, toBareHex(digest)), evidence)
      return toHex(digest)
    },
    get: async (digest) => {
      const stored = await readIfPresent(join(folder, digest.slice(2)))
      if (stored === undefined || toHex(sha256(stored)) !== digest) return undefined
      return new Uint8Array(stored)
    },
  }
}
