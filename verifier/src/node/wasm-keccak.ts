import { createRequire } from 'node:module'
import type { Keccak256 } from '../protocol/eip712.ts'

/** `hash-wasm` 4, as far as it is used; the only file that knows it. */
interface HashWasm {
  createKeccak(bits: 256): Promise<Hasher>
}

interface Hasher {
  init(): Hasher
  update(bytes: Uint8Array): Hasher
  digest(form: 'binary'): Uint8Array
}

/**
 * Keccak-256 in WebAssembly, about ten times as fast as in JavaScript. Undefined where the package is not installed or
 * the platform has no WebAssembly.
 */
export async function loadKeccak256(): Promise<Keccak256 | undefined> {
  try {
    const library = createRequire(import.meta.url)('hash-wasm') as HashWasm
    const hasher = await library.createKeccak(256)
    // One state for all: nothing comes between its beginning and its end.
    return (bytes) => hasher.init().update(bytes).digest('binary')
  } catch {
    return undefined
  }
}
