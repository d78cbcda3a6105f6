import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Paths of the files below a folder, with slashes, in order. Folders that `skips` names are not entered; a folder may
 * itself be reached through a link, nothing below it may.
 */
export async function filesBelow(
  folder: string,
  skips: (name: string) => boolean = () => false,
): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry): Promise<readonly string[]> => {
      if (entry.isFile()) return [entry.name]
      if (!entry.isDirectory() || skips(entry.name)) return []
      const below = await filesBelow(join(folder, entry.name), skips)
      return below.map((path) => `${entry.name}/${path}`)
    }),
  )
  return found.flat().toSorted()
}
