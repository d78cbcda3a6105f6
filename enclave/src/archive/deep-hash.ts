import { createHash } from 'node:crypto'

/** Arweave's deep hash of a list of byte strings, 48 bytes (arweave-standards, ANS-104 §1.3; RFC 6234 SHA-384). */
export function deepHash(parts: readonly Uint8Array[]): Uint8Array {
  return parts.reduce<Uint8Array>(
    (hash, part) => sha384(hash, blobHash(part)),
    sha384(Buffer.from(`list${parts.length}`)),
  )
}

function blobHash(bytes: Uint8Array): Uint8Array {
  return sha384(sha384(Buffer.from(`blob${bytes.length}`)), sha384(bytes))
}

function sha384(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha384')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
