import { createRequire } from 'node:module'
import { fromHex, keccak256, recoverAddress, toHex, type Hex } from '@jeju/verifier/protocol'

/** libsecp256k1 through its Node binding, as far as it is used; the only file that knows it. */
interface Secp256k1 {
  /** Throws where there is no such key. */
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    digest: Uint8Array,
    compressed: boolean,
  ): Uint8Array
}

/** Half of the group order (SEC 2 v2 §2.4.1), big-endian: the largest low s. */
const HALF_ORDER: Uint8Array = fromHex(
  '0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0',
  32,
  'order',
)

const native = loadNative()

/** Whether signatures are recovered by native code; about twenty times as fast as the code that runs everywhere. */
export const isNativeRecovery: boolean = native !== undefined

/**
 * The address whose key signed the digest, and the same refusals, as `recoverAddress` of the protocol gives: each request
 * needs one, and the rest of its check takes less time than this would.
 * @throws ProtocolError `INPUT_SIGNATURE`
 */
export function recoverSigner(digest: Hex, signature: Hex): Hex {
  if (native === undefined) return recoverAddress(digest, signature)
  const point = recoverNatively(native, digest, signature)
  // Whatever is refused, the protocol's own code refuses, in its own words.
  return point === undefined
    ? recoverAddress(digest, signature)
    : toHex(keccak256(point.subarray(1)).subarray(12))
}

function recoverNatively(library: Secp256k1, digest: Hex, signature: Hex): Uint8Array | undefined {
  const bytes = fromHex(signature, 65, 'signature')
  const v = bytes[64]
  // The library takes both halves (attack P21).
  const isLow = Buffer.compare(bytes.subarray(32, 64), HALF_ORDER) <= 0
  if ((v !== 27 && v !== 28) || !isLow) return undefined
  const hash = fromHex(digest, 32, 'digest')
  try {
    return library.ecdsaRecover(bytes.subarray(0, 64), v - 27, hash, false)
  } catch {
    return undefined
  }
}

/** Undefined where there is no binding for this platform. The package's own way out, elliptic, is never taken. */
function loadNative(): Secp256k1 | undefined {
  try {
    return createRequire(import.meta.url)('secp256k1/bindings.js') as Secp256k1
  } catch {
    return undefined
  }
}
