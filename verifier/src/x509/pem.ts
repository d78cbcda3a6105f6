const LABEL = 'CERTIFICATE'
const BLOCK = new RegExp(
  `-----BEGIN ${LABEL}-----([A-Za-z0-9+/=\\r\\n]*)-----END ${LABEL}-----`,
  'g',
)

/** Text that is not certificates in PEM. */
export class PemError extends Error {
  override readonly name = 'PemError'
}

/** Bytes of base64 with line breaks. Unused bits must be zero: one certificate has one spelling (attack B14). */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll(/[\r\n]/g, '')
  const binary = atob(base64)
  if (btoa(binary) !== base64) throw new RangeError('not canonical base64')
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
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
  const between = text.replaceAll(BLOCK, (_block, base64: string) => {
    blocks.push(base64)
    return ''
  })
  if (/[^\r\n]/.test(between)) throw new PemError('something other than certificates')
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
