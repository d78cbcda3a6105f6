import { ProtocolError } from '../protocol/protocol-error.ts'

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
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  if (toBase64Url(bytes) !== text) {
    throw new ProtocolError('INPUT_BASE64URL', `${place}: unused bits are not zero`)
  }
  return bytes
}
