import { ArchiveError, digestInLocator, digestLocator, requireDigest } from '@jeju/verifier/archive'
import { sha256, toHex } from '@jeju/verifier/protocol'
import type { Archive } from './archive.ts'

/** An archive that lasts as long as this process; `kept` is what it holds, by locator. */
export function createMemoryArchive(kept: Map<string, Uint8Array> = new Map()): Archive {
  return {
    pack: (content) => {
      const digest = toHex(sha256(content))
      return { digest, locator: digestLocator('memory', digest), payload: content.slice() }
    },
    store: ({ locator, payload }) => {
      kept.set(locator, payload)
      return Promise.resolve()
    },
    get: async (locator, digest) => {
      digestInLocator('memory', locator)
      const content = kept.get(locator)
      if (content === undefined) {
        throw new ArchiveError('ARCHIVE_UNAVAILABLE', `${locator}: not there`)
      }
      return Promise.resolve(requireDigest(content, digest, locator))
    },
  }
}
