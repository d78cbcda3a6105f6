import { MeasureError } from '../measure-error.ts'

/** Who owns what is written at run time; the node runs as this user and group. */
export const NODE_USER = 10_001

/** Anything in the image. Paths are absolute without the leading slash; everything belongs to root unless it says so. */
export type ImageEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly content: Uint8Array
      readonly executable?: boolean
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'directory'
      readonly path: string
      readonly mode?: number
      readonly owner?: number
    }

const DIRECTORY_MODE = 0o755

/** Permission bits: what a checkout's umask was does not reach the image. */
export function modeOf(entry: ImageEntry): number {
  switch (entry.kind) {
    case 'directory':
      return entry.mode ?? DIRECTORY_MODE
    case 'link':
      return 0o777
    case 'file':
      return entry.executable === true ? 0o755 : 0o644
  }
}

/**
 * All entries in the order of an archive: by path, with every directory above a file, each path once.
 * @throws MeasureError `IMAGE_ENTRY`
 */
export function inArchiveOrder(entries: readonly ImageEntry[]): readonly ImageEntry[] {
  const byPath = new Map<string, ImageEntry>()
  for (const entry of entries) {
    if (byPath.has(entry.path)) throw new MeasureError('IMAGE_ENTRY', `${entry.path}: twice`)
    byPath.set(entry.path, entry)
  }
  for (const { path } of entries) {
    for (const above of directoriesAbove(path)) {
      const there = byPath.get(above)
      if (there === undefined) byPath.set(above, { kind: 'directory', path: above })
      else if (there.kind !== 'directory') {
        throw new MeasureError('IMAGE_ENTRY', `${path}: below ${above}, which is no directory`)
      }
    }
  }
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function directoriesAbove(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
