/** What a verifier, and who signs receipts, uses where there is Node. */
export { DeviceAuthority, type DeviceObjection } from '../gpu/device-authority.ts'
export type { DeviceRoot } from '../gpu/gpu-trust-anchor.ts'
export {
  isNativeSecp256k1,
  nativeBase64Url,
  nativeSha256,
  nativeSignatures,
  verifyEd25519InPool,
} from './native-signatures.ts'
export { judgeOwnEvidence, type OwnEvidenceContext, type OwnObjection } from './own-evidence.ts'
export { nodeP256 } from './node-p256.ts'
export { nodeP384 } from './node-p384.ts'
