/** 32 bytes of the platform's CSPRNG: nonces and salts (attack T8). */
export function randomBytes32(): Uint8Array<ArrayBuffer> {
  return globalThis.crypto.getRandomValues(new Uint8Array(32))
}
