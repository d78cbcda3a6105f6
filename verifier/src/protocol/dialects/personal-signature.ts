import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { keccak256 } from '../../bytes/hash.ts'
import { toHex, type Hex } from '../../bytes/hex.ts'
import { recoverAddress, signDigest } from '../signatures.ts'

/** EIP-191 `personal_sign` digest. Its prefix keeps such a signature from being one over typed data. */
function personalDigest(text: string): Hex {
  const bytes = utf8(text)
  const prefix = utf8(`\u0019Ethereum Signed Message:\n${bytes.length}`)
  return toHex(keccak256(concatBytes(prefix, bytes)))
}

/** `personal_sign` over a text: 65 bytes, v 27 or 28. */
export function signPersonal(text: string, privateKey: Uint8Array): Hex {
  return signDigest(personalDigest(text), privateKey)
}

/** The address that signed a text. @throws ProtocolError `INPUT_SIGNATURE`, `INPUT_HEX` */
export function recoverPersonal(text: string, signature: Hex): Hex {
  return recoverAddress(personalDigest(text), signature)
}
