import type { Hex } from '../bytes/hex.ts'
import { fromBase64Url, toBase64Url } from '../bytes/base64url.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { ArchiveError } from './archive-error.ts'

/** Id of an ANS-104 data item: SHA-256 of its signature. */
const ID_BYTES = 32

/** `ar:` and the id of a data item or transaction on Arweave. */
export function arweaveLocator(id: Uint8Array): string {
  return `ar:${toBase64Url(id)}`
}

/** `file:` or `memory:` and the digest, bare hex: places that find content by its digest alone. */
export function digestLocator(scheme: 'file' | 'memory', digest: Hex): string {
  return `${scheme}:${digest.slice(2)}`
}

/**
 * The id in a locator on Arweave, base64url as gateways take it.
 * @throws ArchiveError `ARCHIVE_LOCATOR`
 */
export function arweaveId(locator: string): string {
  const id = /^ar:([A-Za-z0-9_-]{43})$/.exec(locator)?.[1]
  if (id === undefined || !isId(id)) throw wrongLocator('ar:', locator)
  return id
}

/**
 * The digest in a locator of that scheme.
 * @throws ArchiveError `ARCHIVE_LOCATOR`
 */
export function digestInLocator(scheme: 'file' | 'memory', locator: string): Hex {
  const found = /^(file|memory):([0-9a-f]{64})$/.exec(locator)
  if (found?.[1] !== scheme) throw wrongLocator(`${scheme}:`, locator)
  return `0x${found[2] ?? ''}`
}

/** Canonical base64url of 32 bytes: one id has one spelling. */
function isId(text: string): boolean {
  try {
    return fromBase64Url(text, 'locator').length === ID_BYTES
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

function wrongLocator(expected: string, locator: string): ArchiveError {
  const shown = JSON.stringify(locator.slice(0, 64))
  return new ArchiveError('ARCHIVE_LOCATOR', `locator: expected ${expected}…, got ${shown}`)
}
