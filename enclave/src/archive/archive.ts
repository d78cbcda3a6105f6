import type { Hex } from '@jeju/verifier/protocol'
import type { Tag } from './data-item.ts'

/** Content that is ready to be archived. */
export interface ArchiveItem {
  /** SHA-256 of the content. */
  readonly digest: Hex
  /** Where it will be; known before anything is sent, so that it can be named on chain at once. */
  readonly locator: string
  /** What {@link Archive.store} takes. */
  readonly payload: Uint8Array
}

/** A place that keeps content for good (docs/protocol.md §12). Whoever asks it over a network ends with the signal. */
export interface Archive {
  /** Asks nobody. The same content and tags give the same item. */
  pack(content: Uint8Array, tags: readonly Tag[]): ArchiveItem
  /** Hands an item over; once more changes nothing. @throws ArchiveError, or whatever the place fails with */
  store(item: ArchiveItem, signal?: AbortSignal): Promise<void>
  /** Content of that very digest. @throws ArchiveError */
  get(locator: string, digest: Hex, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
}
