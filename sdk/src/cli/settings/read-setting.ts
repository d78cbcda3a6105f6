import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'

/** Flags as they were given; absent ones are undefined. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** Environment of the process. */
export type Env = Readonly<Record<string, string | undefined>>

/** A flag, or its name in the environment: `--key-file`, `JEJU_KEY_FILE`. An empty one is none. */
export function setting(values: Values, env: Env, flag: string): string | undefined {
  const given = values[flag] ?? env[`JEJU_${flag.toUpperCase().replaceAll('-', '_')}`]
  return typeof given === 'string' && given !== '' ? given : undefined
}

/** A setting without which the command cannot run. Throws a UsageError. */
export function required(value: string | undefined, flag: string): string {
  if (value !== undefined) return value
  throw new UsageError(`--${flag}: missing (or in a --network folder)`)
}

/** The bytes of a file that a setting names. Throws a UsageError. */
export async function readSettingFile(path: string, flag: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new UsageError(`--${flag} ${path}: ${reason}`, { cause: error })
  }
}

/** Throws a UsageError where a setting names no folder: else everything in it would be told as missing. */
export async function requireFolder(path: string, flag: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return
  throw new UsageError(
    `--${flag} ${path}: expected a folder, found ${found === undefined ? 'nothing' : 'a file'}`,
  )
}

/** Whether others of this machine can read a file, by its mode; where there are no modes none can be said. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && (found.mode & 0o077) !== 0
}

/** A file of a network's folder; undefined where the folder has none. Throws a UsageError. */
export async function readNetworkFile(folder: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    if (code === 'ENOENT') return undefined
    throw new UsageError(`--network ${folder}: ${name}: ${code}`, { cause: error })
  }
}
