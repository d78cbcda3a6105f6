import { createHash } from 'node:crypto'
import { inArchiveOrder, type ImageEntry } from './image-entry.ts'
import { storedGzip } from './stored-gzip.ts'
import { tarParts } from './tar.ts'

/** A layer by its digests (OCI image specification, "Image Layer Filesystem Changeset"). */
export interface LayerDescriptor {
  /** What it holds, in a word. */
  readonly name: string
  /** SHA-256 of the compressed archive, `sha256:…`. */
  readonly digest: string
  readonly size: number
  /** SHA-256 of the archive. */
  readonly diffId: string
}

/** Something that takes bytes one after the other. */
export type Sink = (bytes: Uint8Array) => void

/**
 * Writes a layer and says what it is; its bytes go to `sink`, or nowhere.
 * @throws MeasureError `IMAGE_ENTRY`
 */
export function writeLayer(
  name: string,
  entries: readonly ImageEntry[],
  sink: Sink = () => undefined,
): LayerDescriptor {
  const archive = createHash('sha256')
  const compressed = createHash('sha256')
  let size = 0
  for (const part of storedGzip(observed(tarParts(inArchiveOrder(entries)), archive))) {
    compressed.update(part)
    size += part.length
    sink(part)
  }
  return {
    name,
    digest: `sha256:${compressed.digest('hex')}`,
    size,
    diffId: `sha256:${archive.digest('hex')}`,
  }
}

function* observed(
  parts: Iterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): Generator<Uint8Array> {
  for (const part of parts) {
    hash.update(part)
    yield part
  }
}
