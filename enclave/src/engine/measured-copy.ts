import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { equalBytes, fromHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { EngineError } from './engine-error.ts'

/** A private copy of a model file whose bytes were hashed while they were written. */
export interface MeasuredCopy {
  readonly path: string
  readonly sha256: Hex
  /** Removes the copy; the loader has read it into memory by then. */
  remove(): Promise<void>
}

/**
 * Copies a model file into a directory that only this process's user can enter and hashes each chunk as it
 * is written. The engine loads the copy, so the hashed bytes are the loaded ones: to hash the original and
 * then open it again would let whoever can write to the model volume swap it between the two. Weights are
 * then read into memory and not mapped, so nothing is fetched from a disk afterwards. It costs the size of
 * the model under the temporary directory during start; where that is not encrypted or RAM-backed storage of
 * the TD, the host can still tamper with the copy in the moment before it is read.
 *
 * @throws {EngineError} `MODEL_UNREADABLE`, `MODEL_DIGEST_MISMATCH`
 */
export async function copyMeasured(path: string, expected: Hex): Promise<MeasuredCopy> {
  const wanted = readDigest(expected)
  const directory = await mkdtemp(join(tmpdir(), 'jeju-model-'))
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const copy = join(directory, 'model.gguf')
    const actual = await copyHashing(path, copy)
    if (!equalBytes(actual, wanted)) {
      throw new EngineError(
        'MODEL_DIGEST_MISMATCH',
        `model file: expected sha256 ${toHex(wanted)}, actual ${toHex(actual)}`,
      )
    }
    return { path: copy, sha256: toHex(actual), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function readDigest(expected: Hex): Uint8Array {
  try {
    return fromHex(expected, 32)
  } catch (error) {
    throw new EngineError(
      'MODEL_DIGEST_MISMATCH',
      'pinned sha256 of the model: expected 32 bytes of hex with 0x',
      { cause: error },
    )
  }
}

async function copyHashing(from: string, to: string): Promise<Uint8Array> {
  const hash = createHash('sha256')
  let file: FileHandle | undefined
  try {
    file = await open(to, 'wx', 0o600)
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
      const bytes: Uint8Array = chunk
      hash.update(bytes)
      await file.writeFile(bytes)
    }
  } catch (error) {
    throw new EngineError('MODEL_UNREADABLE', 'model file: cannot be read and copied', {
      cause: error,
    })
  } finally {
    await file?.close()
  }
  return hash.digest()
}
