import { VerifierError } from '../errors.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\r\n]*)-----END CERTIFICATE-----/g
const CHAIN_LENGTH = 3

/** Bytes of base64 with line breaks. Unused bits must be zero: one certificate has one spelling (attack B14). */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll(/[\r\n]/g, '')
  const binary = atob(base64)
  if (btoa(binary) !== base64) throw new RangeError('not canonical base64')
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/**
 * The three certificates of a PCK chain, as DER, in the order given. Between and behind them only line breaks may
 * stand, and one NUL at the very end as Intel's quoting library writes it.
 * @throws VerifierError `PCK_CHAIN_INVALID`
 */
export function parsePckChainPem(
  pem: Uint8Array,
): readonly [leaf: Uint8Array, intermediate: Uint8Array, root: Uint8Array] {
  const text = new TextDecoder('latin1').decode(pem).replace(/\0$/, '')
  const blocks = [...text.matchAll(BLOCK)].map(([, base64 = '']) => base64)
  if (/[^\r\n]/.test(text.replaceAll(BLOCK, ''))) {
    throw new VerifierError('PCK_CHAIN_INVALID', 'PCK chain: something other than certificates')
  }
  if (blocks.length !== CHAIN_LENGTH) {
    throw new VerifierError(
      'PCK_CHAIN_INVALID',
      `PCK chain: expected ${CHAIN_LENGTH} certificates, got ${blocks.length}`,
    )
  }
  try {
    const [leaf, intermediate, root] = blocks.map(fromBase64)
    if (leaf !== undefined && intermediate !== undefined && root !== undefined) {
      return [leaf, intermediate, root]
    }
  } catch (cause) {
    throw new VerifierError('PCK_CHAIN_INVALID', 'PCK chain: not base64', { cause })
  }
  throw new VerifierError('PCK_CHAIN_INVALID', 'PCK chain: incomplete')
}
