import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ArchiveError, digestInLocator, digestLocator, requireDigest } from '@jeju/verifier/archive'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'
import type { Archive } from './archive.ts'

/** Nothing that a node archives is as large. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * An archive in a folder, a file for each content under its digest: for a provider who publishes or copies it by other means.
 * What others put there is read by its digest all the same.
 */
export function createFileArchive(folder: string): Archive {
  const pathOf = (locator: string): string =>
    join(folder, digestInLocator('file', locator).slice('0x'.length))
  return {
    pack: (content) => {
      const digest = toHex(sha256(content))
      return { digest, locator: digestLocator('file', digest), payload: content.slice() }
    },
    store: async ({ locator, payload }) => {
      await mkdir(folder, { recursive: true })
      await writeDurably(pathOf(locator), payload)
    },
    get: async (locator, digest) => {
      const path = pathOf(locator)
      const { size } = await stat(path).catch(() => ({ size: 0 }))
      if (size > MAX_BYTES) {
        throw new ArchiveError('ARCHIVE_TOO_LARGE', `${locator}: more than ${MAX_BYTES} bytes`)
      }
      const content = await readIfPresent(path)
      if (content === undefined) {
        throw new ArchiveError('ARCHIVE_UNAVAILABLE', `${locator}: not there`)
      }
      return requireDigest(content, digest, locator)
    },
  }
}
