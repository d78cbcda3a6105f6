import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { root } from './root.ts'

/** Everything a node process executes that is ours, and the lock that fixes the rest. */
const NODE_SOURCES = [
  'enclave/src',
  'verifier/src',
  'contracts/abi',
  'contracts/dcap',
  'package-lock.json',
]

/**
 * SHA-256 over paths and contents of the node's sources. The devnet has no container image, so this digest stands
 * where the image's would: another line of code gives another compose hash.
 */
export async function nodeCodeDigest(): Promise<string> {
  const hash = createHash('sha256')
  for (const source of NODE_SOURCES) {
    for (const file of (await filesUnder(join(root, source))).toSorted()) {
      const content = createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
      hash.update(`${relative(root, file)}\0${content}\n`)
    }
  }
  return hash.digest('hex')
}

async function filesUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => null)
  if (entries === null) return [path]
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
