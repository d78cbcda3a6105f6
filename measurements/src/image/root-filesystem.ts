import { chmod, chown, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SOURCE_DATE_EPOCH } from './image-config.ts'
import { inArchiveOrder, modeOf, type ImageEntry } from './image-entry.ts'

/**
 * Writes entries into a new folder as the image has them. Owners are set where this process may set them.
 * @throws MeasureError `IMAGE_ENTRY`
 */
export async function writeRootFilesystem(
  entries: readonly ImageEntry[],
  folder: string,
): Promise<void> {
  const ordered = inArchiveOrder(entries)
  await mkdir(folder, { recursive: true })
  for (const entry of ordered) {
    const path = join(folder, entry.path)
    if (entry.kind === 'directory') await mkdir(path)
    else if (entry.kind === 'link') await symlink(entry.target, path)
    else await writeFile(path, entry.content, { flag: 'wx' })
    if (entry.kind !== 'link') await chmod(path, modeOf(entry))
  }
  // Directories last, and the deepest first: writing into one changes its time.
  for (const entry of ordered.toReversed()) {
    if (entry.kind === 'link') continue
    const path = join(folder, entry.path)
    await utimes(path, SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH)
    if (entry.kind === 'directory' && entry.owner !== undefined && process.getuid?.() === 0) {
      await chown(path, entry.owner, entry.owner)
    }
  }
}
