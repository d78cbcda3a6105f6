import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('../../src/nvml/nvml-stub.c', import.meta.url))

/** Which driver the library is of. */
export interface StubOptions {
  /** Where that driver listens. */
  readonly socketPath: string
  /** One from before nvmlSystemGetConfComputeSettings. */
  readonly withoutSettings?: boolean
}

/**
 * Compiles the stub of NVIDIA's library into a folder and returns its path; undefined where no C compiler is at hand,
 * which whoever asked has to say aloud.
 */
export async function compileNvmlStub(
  folder: string,
  { socketPath, withoutSettings = false }: StubOptions,
): Promise<string | undefined> {
  const library = join(folder, withoutSettings ? 'libnvidia-ml-old.so.1' : 'libnvidia-ml.so.1')
  const socket = `-DDRIVER_SOCKET=${JSON.stringify(socketPath)}`
  const flags = [
    socket,
    '-shared',
    '-fPIC',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    library,
    SOURCE,
  ]
  try {
    await run('cc', withoutSettings ? ['-DWITHOUT_SETTINGS', ...flags] : flags)
    return library
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
