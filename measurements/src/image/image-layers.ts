import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applicationEntries } from './application-files.ts'
import { dependencyEntries } from './dependency-files.ts'
import type { ImageEntry } from './image-entry.ts'
import { parseLock, productionPackages, type ProductionPackage } from './production-packages.ts'
import { isPrunedPackage, type ImageVariant } from './pruning.ts'
import { readRuntimeLock, runtimeEntries } from './runtime-files.ts'

/** A layer's name and content. */
export interface LayerContent {
  readonly name: 'runtime' | 'dependencies' | 'application'
  readonly entries: readonly ImageEntry[]
}

/** The workspace that runs in the image. */
const WORKSPACE = 'enclave'

/** Packages of the image. @throws MeasureError */
export async function imagePackages(
  tree: string,
  variant: ImageVariant,
): Promise<readonly ProductionPackage[]> {
  const lock = parseLock(await readFile(join(tree, 'package-lock.json'), 'utf8'))
  return productionPackages(lock, WORKSPACE, (name) => isPrunedPackage(name, variant))
}

/**
 * Content of the image by layers, what changes least first. `installed` is where packages were installed, if not in
 * the tree itself.
 * @throws MeasureError
 */
export async function imageLayers(
  tree: string,
  variant: ImageVariant,
  installed: string = tree,
): Promise<readonly LayerContent[]> {
  const packages = await imagePackages(tree, variant)
  return [
    { name: 'runtime', entries: await runtimeEntries(await readRuntimeLock()) },
    { name: 'dependencies', entries: await dependencyEntries(installed, packages) },
    { name: 'application', entries: await applicationEntries(tree) },
  ]
}
