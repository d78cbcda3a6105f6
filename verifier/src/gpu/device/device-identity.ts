import { concatBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toHex, type Hex } from '../../bytes/hex.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { DerError } from '../../x509/der.ts'
import { P384_PROFILE } from '../../x509/ecdsa-profile.ts'
import { PemError, pemBlockDer, pemBlocks } from '../../x509/pem.ts'

const MAX_CHAIN_CHARACTERS: number = 16 * 1024

/**
 * Identity of a GPU or switch: SHA-256 of the SubjectPublicKeyInfo of its BROM certificate, the second of its chain.
 * The leaf changes with the driver; and a certificate has as many encodings as its signature, while a key has one, so
 * that one device is never two (attack D7).
 */
export function deviceIdentity(bromPublicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concatBytes(P384_PROFILE.keyInfo, bromPublicKey))
}

/**
 * {@link deviceIdentity} out of a chain in PEM that nobody has verified.
 * @throws ProtocolError `INPUT_FIELD`
 */
export function deviceIdentityOf(certificates: string): Uint8Array<ArrayBuffer> {
  try {
    const [, brom = ''] = pemBlocks(certificates.replace(/\0$/, ''), [4, 5], MAX_CHAIN_CHARACTERS)
    return deviceIdentity(parseCertificate(pemBlockDer(brom), 'BROM', P384_PROFILE).publicKey)
  } catch (cause) {
    if (!(cause instanceof PemError || cause instanceof DerError)) throw cause
    const message = `certificates: expected a device chain, got ${cause.message}`
    throw new ProtocolError('INPUT_FIELD', message, { cause })
  }
}

/** `gpuDevicesDigest` of a statement: SHA-256 over the identities, each 32 bytes, in ascending order. */
export function gpuDevicesDigest(identities: readonly Uint8Array[]): Hex {
  const sorted = identities.map((identity) => ({ identity, hex: toHex(identity) }))
  sorted.sort((a, b) => (a.hex < b.hex ? -1 : 1))
  return toHex(sha256(concatBytes(...sorted.map(({ identity }) => identity))))
}
