import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { MeasureError } from '../measure-error.ts'
import { filesBelow } from './files-below.ts'
import type { ImageEntry } from './image-entry.ts'
import type { ProductionPackage } from './production-packages.ts'
import { isPrunedFile } from './pruning.ts'

/** Folder of the application in the image; the repository's layout is kept below it. */
export const APP = 'app'

/**
 * Installed packages as entries, where `npm ci` put them below `tree`. Workspaces come as the links npm makes of them.
 * @throws MeasureError `IMAGE_PACKAGE_MISSING`, `IMAGE_PACKAGE_VERSION`
 */
export async function dependencyEntries(
  tree: string,
  packages: readonly ProductionPackage[],
): Promise<readonly ImageEntry[]> {
  const installed = packages.filter(({ folder }) => folder.includes('node_modules/'))
  return (await Promise.all(installed.map((each) => packageEntries(tree, each)))).flat()
}

async function packageEntries(
  tree: string,
  { folder, locked }: ProductionPackage,
): Promise<readonly ImageEntry[]> {
  if (locked.link === true) {
    const target = relative(dirname(folder), locked.resolved ?? '')
    return [{ kind: 'link', path: `${APP}/${folder}`, target }]
  }
  await requireVersion(tree, folder, locked.version)
  const files = await filesBelow(join(tree, folder), (name) => name === 'node_modules')
  return Promise.all(
    files
      .filter((path) => !isPrunedFile(path))
      .map(async (path) => ({
        kind: 'file',
        path: `${APP}/${folder}/${path}`,
        content: await readFile(join(tree, folder, path)),
      })),
  )
}

async function requireVersion(
  tree: string,
  folder: string,
  wanted: string | undefined,
): Promise<void> {
  let text: string
  try {
    text = await readFile(join(tree, folder, 'package.json'), 'utf8')
  } catch (cause) {
    const message = `${folder}: not installed; npm ci on Linux x64 installs it`
    throw new MeasureError('IMAGE_PACKAGE_MISSING', message, { cause })
  }
  const { version } = JSON.parse(text) as { readonly version?: string }
  if (version !== wanted) {
    throw new MeasureError(
      'IMAGE_PACKAGE_VERSION',
      `${folder}: expected ${wanted}, installed ${version}`,
    )
  }
}
