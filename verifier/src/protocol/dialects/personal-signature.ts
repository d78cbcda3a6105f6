import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { keccak256 } from '../../bytes/hash.ts'
import { toHex, type Hex } from '../../bytes/hex.ts'
import { recoverAddress, signDigest } from '../signatures.ts'

/** EIP-191 `personal_sign` digest. Its prefix keeps such a signature from being one over typed data. */
function personalDigest(message: Uint8Array): Hex {
  const prefix = utf8(`\u0019Ethereum Signed Message:\n${message.length}`)
  return toHex(keccak256(concatBytes(prefix, message)))
}

/** `personal_sign` over a text: 65 bytes, v 27 or 28. */
export function signPersonal(text: string, privateKey: Uint8Array): Hex {
  return signPersonalBytes(utf8(text), privateKey)
}

/** `personal_sign` over bytes that are no text. */
export function signPersonalBytes(message: Uint8Array, privateKey: Uint8Array): Hex {
  return signDigest(personalDigest(message), privateKey)
}

/** The address that signed a text. @throws ProtocolError `INPUT_SIGNATURE`, `INPUT_HEX` */
export function recoverPersonal(text: string, signature: Hex): Hex {
  return recoverAddress(personalDigest(utf8(text)), signature)
}
