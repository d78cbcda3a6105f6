import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { filesBelow } from './files-below.ts'
import { sha256Hex } from './runtime-files.ts'

/** Everything an image is made from: the node, what it imports, the packages, the compiler and the image's own rules. */
const SOURCES = [
  'LICENSE',
  'contracts/abi',
  'contracts/dcap',
  'contracts/package.json',
  'enclave',
  'measurements/runtime.json',
  'measurements/src/image',
  'package-lock.json',
  'tsconfig.base.json',
  'verifier/package.json',
  'verifier/src',
]
const BUILT = ['dist', 'node_modules']

/**
 * SHA-256 over paths and digests of all sources, hex. It stands in the image as a label, so that a byte which compiling
 * drops, in a comment or a README, changes the image too.
 */
export async function sourceDigest(tree: string): Promise<string> {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const path of await pathsOf(tree, source)) {
      hash.update(`${sha256Hex(await readFile(join(tree, path)))}  ${path}\n`)
    }
  }
  return hash.digest('hex')
}

async function pathsOf(tree: string, source: string): Promise<readonly string[]> {
  if (!(await stat(join(tree, source))).isDirectory()) return [source]
  const below = await filesBelow(join(tree, source), (name) => BUILT.includes(name))
  return below.map((path) => `${source}/${path}`)
}
