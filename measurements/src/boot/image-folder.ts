import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureImageFiles, type BootImage } from '@jeju/verifier/measure'

/** Not measured into a register by itself: its hash stands on the measured command line. */
const ROOT_FILESYSTEM = /^rootfs/

/**
 * Measures an unpacked OS image of dstack: every file that its `sha256sum.txt` lists and a register depends on.
 * @throws VerifierError
 */
export async function measureImageFolder(folder: string, memoryBytes: bigint): Promise<BootImage> {
  const names = (await readdir(folder)).filter((name) => !ROOT_FILESYSTEM.test(name))
  const files = await Promise.all(
    names.map(async (name) => [name, new Uint8Array(await readFile(join(folder, name)))] as const),
  )
  return measureImageFiles(new Map(files), memoryBytes)
}
