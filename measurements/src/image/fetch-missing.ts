import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchRuntimeFile } from './fetch-runtime.ts'
import { findRuntimeFile, readRuntimeLock, RUNTIME_CACHE } from './runtime-files.ts'
import type { RuntimeFile } from './runtime-lock.ts'

/**
 * Fetches the runtime files that neither this machine nor the cache has.
 * @throws MeasureError `IMAGE_RUNTIME_MISSING`, `IMAGE_RUNTIME_MISMATCH`
 */
export async function fetchMissingRuntime(
  announce: (file: RuntimeFile) => void = () => undefined,
): Promise<void> {
  const lock = await readRuntimeLock()
  for (const file of lock.files) {
    if ((await findRuntimeFile(file)) !== undefined) continue
    announce(file)
    await mkdir(RUNTIME_CACHE, { recursive: true })
    await writeFile(join(RUNTIME_CACHE, file.sha256), await fetchRuntimeFile(lock, file))
  }
}
