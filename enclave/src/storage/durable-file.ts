import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file so that a crash leaves the old content or the new one, and after return the new one: content and
 * folder are both on disk.
 */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const fresh = `${path}.new`
  const file = await open(fresh, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The bytes of a file; undefined only when there is none, any other failure throws. */
export async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
