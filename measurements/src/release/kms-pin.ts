import { X509Certificate } from 'node:crypto'
import type { TrustedKms } from '@jeju/verifier'
import { toHex } from '@jeju/verifier/protocol'
import { MeasureError } from '../measure-error.ts'

const ROOT_KEY = /^(?:0x)?(0[23][0-9a-f]{64})$/

/**
 * The pin of a KMS: its secp256k1 root key, and the public key of its CA, which guests measure as `key-provider`. Input
 * is dstack's `KMS.GetMeta` answer, JSON with `k256_pubkey` and `ca_cert`.
 * @throws MeasureError `MEASURE_INPUT`
 */
export function kmsPin(metadata: string): TrustedKms {
  try {
    const { ca_cert, k256_pubkey } = JSON.parse(metadata) as Readonly<Record<string, unknown>>
    const [, rootKey] = ROOT_KEY.exec(String(k256_pubkey)) ?? []
    if (rootKey === undefined) throw new Error('k256_pubkey: expected a compressed secp256k1 key')
    const { publicKey } = new X509Certificate(String(ca_cert))
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new Error('ca_cert: expected a P-256 key')
    }
    const info = publicKey.export({ type: 'spki', format: 'der' })
    return { rootPublicKey: `0x${rootKey}`, caPublicKeyInfo: toHex(new Uint8Array(info)) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'not readable'
    throw new MeasureError('MEASURE_INPUT', `KMS.GetMeta: ${reason}`, { cause })
  }
}
