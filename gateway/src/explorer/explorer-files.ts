import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the explorer as it is sent. */
export interface ExplorerFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  /** Its name changes with its content. */
  readonly isImmutable: boolean
}

/** What `npm run build:explorer` writes, from `src` and from `dist`. */
const FOLDER = fileURLToPath(new URL('../../explorer/dist/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/**
 * The explorer's files by their path below `/explorer/`, read once: no request names a file of the machine. Empty where
 * the explorer was not built.
 */
export async function readExplorerFiles(
  folder: string = FOLDER,
): Promise<ReadonlyMap<string, ExplorerFile>> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const files = await Promise.all(
    names.map(async (name): Promise<readonly (readonly [string, ExplorerFile])[]> => {
      const type = TYPES[extname(name)]
      if (type === undefined) return []
      const bytes = new Uint8Array(await readFile(join(folder, name)))
      return [[name, { bytes, type, isImmutable: name.startsWith('assets/') }]]
    }),
  )
  return new Map(files.flat())
}
