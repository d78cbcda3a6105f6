import { createReadStream } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { concatBytes } from '../../bytes/bytes.ts'
import { UsageError } from '../usage-error.ts'

/** Largest file read as a whole: more than any quote with its collateral. */
const MAX_FILE_BYTES: number = 32 * 1024 * 1024

/** A file's bytes. @throws UsageError where it cannot be read or is larger than `maxBytes` */
export async function readFileBytes(
  path: string,
  maxBytes: number = MAX_FILE_BYTES,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of fileChunks(path)) {
    length += part.length
    if (length > maxBytes) throw new UsageError(`${path}: larger than ${maxBytes} bytes`)
    parts.push(part)
  }
  return concatBytes(...parts)
}

/** A file in pieces. @throws UsageError */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of createReadStream(path)) yield part as Uint8Array
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Says before any work whether all files are there. @throws UsageError */
export async function requireReadable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await access(path, constants.R_OK)
    } catch (error) {
      throw unreadable(path, error)
    }
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'is a directory'],
])

function unreadable(path: string, error: unknown): Error {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : undefined
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  return new UsageError(`cannot read ${path}: ${REASONS.get(code) ?? code}`, { cause: error })
}
