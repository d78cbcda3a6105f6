import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { MeasureError } from '../measure-error.ts'
import { memberOfTar } from './read-tar.ts'
import { sha256Hex } from './runtime-files.ts'
import type { RuntimeFile, RuntimeLock, RuntimeSource } from './runtime-lock.ts'

const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024

/**
 * A runtime file from where it was published. Archive and file must both be the pinned ones.
 * @throws MeasureError `IMAGE_RUNTIME_MISSING`, `IMAGE_RUNTIME_MISMATCH`
 */
export async function fetchRuntimeFile(lock: RuntimeLock, file: RuntimeFile): Promise<Uint8Array> {
  const source = lock.sources[file.source]
  if (source === undefined) throw missing(`${file.path}: no source ${file.source}`)
  const archive = await fetchArchive(source)
  const tar = source.kind === 'npm' ? gunzipSync(archive) : await debianTar(archive)
  const content = memberOfTar(tar, file.member)
  if (content === undefined) throw missing(`${file.source}: no ${file.member}`)
  requireDigest(content, file.sha256, file.path)
  return content
}

async function fetchArchive({ urls, sha256 }: RuntimeSource): Promise<Uint8Array> {
  const reasons: string[] = []
  for (const url of urls) {
    try {
      const answer = await fetch(url)
      if (!answer.ok) throw new Error(`HTTP status ${answer.status}`)
      const bytes = new Uint8Array(await answer.arrayBuffer())
      requireDigest(bytes, sha256, url)
      return bytes
    } catch (error) {
      if (error instanceof MeasureError) throw error
      reasons.push(`${url}: ${error instanceof Error ? error.message : 'failed'}`)
    }
  }
  throw missing(reasons.join('; '))
}

/** dpkg-deb reads the archive and its compression; what it gives is checked by digest all the same. */
async function debianTar(archive: Uint8Array): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'jeju-deb-'))
  try {
    const path = join(folder, 'package.deb')
    await writeFile(path, archive)
    const { stdout } = await promisify(execFile)('dpkg-deb', ['--fsys-tarfile', path], {
      encoding: 'buffer',
      maxBuffer: MAX_ARCHIVE_BYTES,
    })
    return stdout
  } catch (cause) {
    throw new MeasureError('IMAGE_RUNTIME_MISSING', 'dpkg-deb: needed to open Debian packages', {
      cause,
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function requireDigest(bytes: Uint8Array, expected: string, place: string): void {
  const actual = sha256Hex(bytes)
  if (actual !== expected) {
    throw new MeasureError(
      'IMAGE_RUNTIME_MISMATCH',
      `${place}: expected sha256 ${expected}, is ${actual}`,
    )
  }
}

function missing(message: string): MeasureError {
  return new MeasureError('IMAGE_RUNTIME_MISSING', message)
}
