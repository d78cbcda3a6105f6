import { ProtocolError } from '../protocol/protocol-error.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** By the length of a text modulo 4. */
const UNUSED_BITS = [0, 0, 0x0f, 0x03]

/** Base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Bytes of unpadded base64url. A second spelling of the same bytes is refused (RFC 4648 §3.5, attack E19). */
export function fromBase64Url(text: string, place = 'base64url'): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new ProtocolError('INPUT_BASE64URL', `${place}: expected unpadded base64url`)
  }
  // Of the last character some bits stand for nothing; every other one has one meaning.
  const unused = UNUSED_BITS[text.length % 4] ?? 0
  if ((ALPHABET.indexOf(text.slice(-1)) & unused) !== 0) {
    throw new ProtocolError('INPUT_BASE64URL', `${place}: unused bits are not zero`)
  }
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
  return bytes
}
