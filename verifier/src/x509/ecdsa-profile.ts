import { fromBareHex } from '../bytes/hex.ts'

/** A curve with the hash of its size, and how certificates write both. A PKI uses one for everything. */
export interface EcdsaProfile {
  readonly curve: 'P-256' | 'P-384'
  readonly hash: 'SHA-256' | 'SHA-384'
  /** Bytes of a coordinate, and of r and s. */
  readonly scalarBytes: number
  /** SubjectPublicKeyInfo of an uncompressed point, up to the point (RFC 5480 §2). */
  readonly keyInfo: Uint8Array
  /** AlgorithmIdentifier of the signature, without parameters (RFC 5758 §3.2). */
  readonly algorithm: Uint8Array
}

/** Intel's: P-256 and ecdsa-with-SHA256. */
export const P256_PROFILE: EcdsaProfile = {
  curve: 'P-256',
  hash: 'SHA-256',
  scalarBytes: 32,
  keyInfo: /* @__PURE__ */ fromBareHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
  algorithm: /* @__PURE__ */ fromBareHex('300a06082a8648ce3d040302'),
}

/** NVIDIA's: P-384 and ecdsa-with-SHA384. */
export const P384_PROFILE: EcdsaProfile = {
  curve: 'P-384',
  hash: 'SHA-384',
  scalarBytes: 48,
  keyInfo: /* @__PURE__ */ fromBareHex('3076301006072a8648ce3d020106052b8104002203620004'),
  algorithm: /* @__PURE__ */ fromBareHex('300a06082a8648ce3d040303'),
}
