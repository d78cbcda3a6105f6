const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

/** Text that is not certificates in PEM. */
export class PemError extends Error {
  override readonly name = 'PemError'
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** Neither a digit of base64 nor a line break; a line break. Both are larger than every digit's value. */
const OTHER = 65
const LINE_BREAK = 64
/** Value of each digit of base64 (RFC 4648 §4) by its code. */
const SEXTETS = new Uint8Array(128).fill(OTHER)
for (let value = 0; value < 64; value++) SEXTETS[ALPHABET.charCodeAt(value)] = value
SEXTETS[0x0a] = LINE_BREAK
SEXTETS[0x0d] = LINE_BREAK

function sextetAt(text: string, at: number): number {
  return SEXTETS[text.charCodeAt(at)] ?? OTHER
}

/**
 * Bytes of padded base64 with line breaks. Unused bits must be zero: one certificate has one spelling (attack B14).
 * @throws RangeError
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4))
  let length = 0
  let bits = 0
  let buffer = 0
  let at = 0
  while (at < text.length) {
    const sextet = sextetAt(text, at)
    if (sextet === LINE_BREAK) {
      at++
      continue
    }
    // Four digits are three bytes, and most of a text is such fours.
    if (bits === 0 && at + 4 <= text.length) {
      const second = sextetAt(text, at + 1)
      const third = sextetAt(text, at + 2)
      const fourth = sextetAt(text, at + 3)
      if ((sextet | second | third | fourth) < LINE_BREAK) {
        bytes[length++] = (sextet << 2) | (second >> 4)
        bytes[length++] = (second << 4) | (third >> 2)
        bytes[length++] = (third << 6) | fourth
        at += 4
        continue
      }
    }
    if (sextet === OTHER) break
    at++
    buffer = ((buffer << 6) | sextet) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = buffer >> bits
  }
  const padding = text.slice(at).replaceAll(/[\r\n]/g, '')
  const expected = bits === 4 ? '==' : bits === 2 ? '=' : ''
  const isWhole = bits !== 6 && padding === expected && (buffer & ((1 << bits) - 1)) === 0
  if (!isWhole) throw new RangeError('not canonical base64')
  return bytes.slice(0, length)
}

/**
 * The certificates of a PEM text as base64 with line breaks, in the order given, as many as `count` says or one
 * of the numbers it lists. Between and behind them only line breaks may stand.
 * @throws PemError
 */
export function pemBlocks(
  text: string,
  count: number | readonly number[],
  maxCharacters: number,
): readonly string[] {
  if (text.length > maxCharacters) {
    throw new PemError(`expected at most ${maxCharacters} characters, got ${text.length}`)
  }
  const blocks: string[] = []
  let at = 0
  for (;;) {
    const begin = text.indexOf(BEGIN, at)
    if (begin === -1) break
    requireLineBreaks(text, at, begin)
    const end = text.indexOf(END, begin)
    if (end === -1) throw new PemError('a certificate without end')
    blocks.push(text.slice(begin + BEGIN.length, end))
    at = end + END.length
  }
  requireLineBreaks(text, at, text.length)
  const counts = [count].flat()
  if (!counts.includes(blocks.length)) {
    throw new PemError(`expected ${counts.join(' or ')} certificates, got ${blocks.length}`)
  }
  return blocks
}

/** DER of one of {@link pemBlocks}. @throws PemError */
export function pemBlockDer(block: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64(block)
  } catch (cause) {
    throw new PemError('not base64', { cause })
  }
}

/** {@link pemBlocks} as DER. @throws PemError */
export function parsePem(
  text: string,
  count: number,
  maxCharacters: number,
): readonly Uint8Array[] {
  return pemBlocks(text, count, maxCharacters).map(pemBlockDer)
}

function requireLineBreaks(text: string, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code !== 0x0a && code !== 0x0d) throw new PemError('something other than certificates')
  }
}
