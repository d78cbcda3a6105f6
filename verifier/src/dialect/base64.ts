import { ProtocolError } from '../protocol/protocol-error.ts'

/** Bytes of padded base64 (RFC 4648 §4). A second spelling of the same bytes is refused (attack E19). */
export function fromBase64(text: string, place: string): Uint8Array<ArrayBuffer> {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw wrong(place)
  const binary = atob(text)
  if (btoa(binary) !== text) throw wrong(place)
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

function wrong(place: string): ProtocolError {
  return new ProtocolError('INPUT_FIELD', `${place}: expected canonical base64`)
}
