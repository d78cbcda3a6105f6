import { MeasureError } from '../measure-error.ts'

/** Where a runtime file was published; its archive is pinned too. */
export interface RuntimeSource {
  readonly kind: 'npm' | 'deb'
  readonly package: string
  readonly version: string
  /** SHA-256 of the archive, hex. */
  readonly sha256: string
  readonly urls: readonly string[]
}

/** A file of the image that is nobody's JavaScript: the Node binary, the C library, their licences. */
export interface RuntimeFile {
  readonly path: string
  readonly source: string
  /** Its path inside the source's archive. */
  readonly member: string
  /** SHA-256 of the file, hex. Whoever has these bytes has the file, wherever from. */
  readonly sha256: string
  readonly executable?: boolean
}

/** `measurements/runtime.json`. */
export interface RuntimeLock {
  readonly sources: Readonly<Record<string, RuntimeSource>>
  readonly files: readonly RuntimeFile[]
}

const DIGEST = /^[0-9a-f]{64}$/

/**
 * Reads the pins.
 * @throws MeasureError `MEASURE_INPUT`
 */
export function parseRuntimeLock(text: string): RuntimeLock {
  const lock = JSON.parse(text) as RuntimeLock
  for (const { path, source, sha256 } of lock.files) {
    const archive = lock.sources[source]
    if (archive === undefined || !DIGEST.test(archive.sha256) || !DIGEST.test(sha256)) {
      throw new MeasureError('MEASURE_INPUT', `runtime.json: ${path}: source or digest`)
    }
  }
  return lock
}
