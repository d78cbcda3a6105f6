import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { SdkError } from '../errors/sdk-error.ts'
import { checkName, type Store } from '../store/store.ts'

const ENDING = '.json'
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** Bits of the mode that let somebody else in. */
const OTHERS = 0o077

/**
 * A store in a folder, one file for each name, for this account only; it is made where it is not there. Several
 * processes may use it at once. Throws `STORE_FAILED`, also for a folder that others may enter.
 */
export async function openFolderStore(path: string): Promise<Store> {
  await failing(() => mkdir(path, { recursive: true, mode: FOLDER_MODE }))
  const { mode } = await failing(() => stat(path))
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    throw new SdkError(
      'STORE_FAILED',
      `${path}: expected mode 700, got ${(mode & 0o777).toString(8)}: it holds session keys`,
    )
  }
  const fileOf = (name: string): string => join(path, ...checkName(name).split('/')) + ENDING
  return {
    read: (name) => failing(() => orNothing(readFile(fileOf(name), 'utf8'), undefined)),
    write: (name, text) => failing(() => writeWhole(fileOf(name), text)),
    list: (folder) =>
      failing(async () => {
        const under = join(path, ...checkName(folder).split('/'))
        const found = await orNothing(readdir(under, { recursive: true, withFileTypes: true }), [])
        return found
          .filter((entry) => entry.isFile() && entry.name.endsWith(ENDING))
          .map((entry) => relative(path, join(entry.parentPath, entry.name)))
          .map((file) => file.slice(0, -ENDING.length).replaceAll('\\', '/'))
          .toSorted()
      }),
    remove: (name) => failing(() => rm(fileOf(name), { force: true })),
  }
}

/** A reader finds the old text or the new one, whenever this process ends. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE })
  const draft = `${file}.${randomUUID()}`
  try {
    const handle = await open(draft, 'wx', FILE_MODE)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    // On a disk that is full every draft would make it fuller.
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

async function orNothing<Value, Nothing>(
  reading: Promise<Value>,
  nothing: Nothing,
): Promise<Value | Nothing> {
  try {
    return await reading
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return nothing
    throw error
  }
}

async function failing<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (cause) {
    if (codeOf(cause) === undefined) throw cause
    throw new SdkError('STORE_FAILED', `store: ${codeOf(cause)}`, { cause })
  }
}

/** System error code; other errors are faults of the caller. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error
    ? String(error.code)
    : undefined
}
