import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'
import { NODE_USER, type ImageEntry } from './image-entry.ts'
import { parseRuntimeLock, type RuntimeFile, type RuntimeLock } from './runtime-lock.ts'

/** Where fetched runtime files are kept, by their SHA-256. */
export const RUNTIME_CACHE: string = join(root, 'measurements', '.cache')

/** The pins of this tree. @throws MeasureError `MEASURE_INPUT` */
export async function readRuntimeLock(): Promise<RuntimeLock> {
  return parseRuntimeLock(await readFile(join(root, 'measurements/runtime.json'), 'utf8'))
}

/**
 * What the image has below our code: the files of the lock, and the few that Linux programs look for.
 * @throws MeasureError `IMAGE_RUNTIME_MISSING`
 */
export async function runtimeEntries(lock: RuntimeLock): Promise<readonly ImageEntry[]> {
  const pinned = await Promise.all(
    lock.files.map(async (file): Promise<ImageEntry> => {
      const content = await findRuntimeFile(file)
      if (content === undefined) {
        throw new MeasureError(
          'IMAGE_RUNTIME_MISSING',
          `${file.path}: no file with sha256 ${file.sha256} here; npm run measure -- fetch gets it`,
        )
      }
      return { kind: 'file', path: file.path, content, executable: file.executable ?? false }
    }),
  )
  return [...pinned, ...SYSTEM_FILES]
}

/** The bytes of a runtime file: fetched before, or this machine's own where they are the same. */
export async function findRuntimeFile(file: RuntimeFile): Promise<Uint8Array | undefined> {
  const own = basename(file.path) === 'node' ? [process.execPath] : []
  const places = [join(RUNTIME_CACHE, file.sha256), ...own, `/${file.path}`, `/${file.member}`]
  for (const place of places) {
    const content = await readFile(place).catch(() => undefined)
    if (content !== undefined && sha256Hex(content) === file.sha256) return content
  }
  return undefined
}

/** Lowercase hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const text = (path: string, content: string): ImageEntry => ({
  kind: 'file',
  path,
  content: new TextEncoder().encode(content),
})

/** No shell, no package manager, no set-uid file; only `/tmp` and `/data` are ever written. */
const SYSTEM_FILES: readonly ImageEntry[] = [
  text(
    'etc/passwd',
    `root:x:0:0:root:/:/nonexistent\nnode:x:${NODE_USER}:${NODE_USER}:node:/data:/nonexistent\n`,
  ),
  text('etc/group', `root:x:0:\nnode:x:${NODE_USER}:\n`),
  text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  { kind: 'directory', path: 'data', mode: 0o700, owner: NODE_USER },
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
]
