import { decodeUtf8, equalBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { fromBareHex, toHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'

/** SHA-256 of an image's files by name (dstack `sha256sum.txt`). Its own SHA-256 is the image's hash. */
export type Checksums = ReadonlyMap<string, Uint8Array>

const MAX_CHECKSUM_FILE_BYTES = 64 * 1024
const LINE = /^([0-9a-f]{64}) {2}([A-Za-z0-9][A-Za-z0-9._-]*)$/

/**
 * Reads `sha256sum.txt`: 64 hex digits, two spaces, a flat file name, LF.
 * @throws VerifierError `IMAGE_INVALID`, ProtocolError `INPUT_UTF8`
 */
export function parseChecksums(file: Uint8Array): Checksums {
  if (file.length > MAX_CHECKSUM_FILE_BYTES) throw invalid(`${file.length} bytes`)
  const text = decodeUtf8(file, 'sha256sum.txt')
  if (!text.endsWith('\n')) throw invalid('does not end with a line end')
  const sums = new Map<string, Uint8Array>()
  for (const line of text.slice(0, -1).split('\n')) {
    const [, digest, name] = LINE.exec(line) ?? []
    if (digest === undefined || name === undefined) {
      throw invalid('a line that is no sum and file name')
    }
    if (sums.has(name)) throw invalid(`${name} twice`)
    sums.set(name, fromBareHex(digest))
  }
  return sums
}

/**
 * Refuses a file that is not the listed one.
 * @throws VerifierError `IMAGE_INVALID`
 */
export function requireListed(sums: Checksums, name: string, content: Uint8Array): void {
  const listed = sums.get(name)
  if (listed === undefined) throw invalid(`${name} is not listed`)
  const actual = sha256(content)
  if (!equalBytes(listed, actual)) {
    throw invalid(`${name}: listed ${toHex(listed)}, is ${toHex(actual)}`)
  }
}

function invalid(what: string): VerifierError {
  return new VerifierError('IMAGE_INVALID', `sha256sum.txt: ${what}`)
}
