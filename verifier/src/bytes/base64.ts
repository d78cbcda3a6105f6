import { ProtocolError } from '../protocol/protocol-error.ts'

/**
 * Bytes of padded base64 (RFC 4648 §4), or undefined. A second spelling of the same bytes is none (RFC 4648 §3.5,
 * attack E19).
 */
export function readBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const binary = atob(text)
  if (btoa(binary) !== text) return undefined
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** Bytes of padded base64. @throws ProtocolError `INPUT_FIELD` */
export function fromBase64(text: string, place: string): Uint8Array<ArrayBuffer> {
  const bytes = readBase64(text)
  if (bytes === undefined) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected canonical base64`)
  }
  return bytes
}

/** Padded base64 (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
