/** Byte formats shared by node, gateway, client, contracts and simulator (docs/protocol.md). */
export { fromBase64Url, toBase64Url } from '../bytes/base64url.ts'
export { JsonError, parseStrictJson, type StrictJsonOptions } from '../bytes/strict-json.ts'
export { concatBytes, decodeUtf8, equalBytes, utf8 } from '../bytes/bytes.ts'
export { keccak256, sha256, sha384, type Sha256Stream } from '../bytes/hash.ts'
export { fromBareHex, fromHex, toBareHex, toHex, type Hex } from '../bytes/hex.ts'
export { randomBytes32 } from '../bytes/random.ts'
export {
  ACCOUNT_HEADER,
  accountRequestDigest,
  encodeAccountRequest,
  parseAccountRequest,
  type AccountRequest,
  type SignedAccountRequest,
} from './account-request.ts'
export { canonicalJson, parseCanonicalJson, type JsonValue } from './canonical-json.ts'
export {
  encodeRelease,
  MAX_RELEASE_LIFE_S,
  parseRelease,
  releaseDigest,
  signRelease,
  type Release,
  type SignedRelease,
} from './channel-release.ts'
export {
  encodeComputeReceipt,
  parseComputeReceipt,
  RECEIPT_HEADER,
  signComputeReceipt,
  type ComputeReceipt,
  type ComputeReceiptContent,
  type ReceiptKeys,
  type ReceiptSigning,
} from './compute-receipt.ts'
export { aciReceiptSigningBytes, signAciReceipt, type AciDocument } from './dialects/aci-receipt.ts'
export {
  ACI_VERSION,
  aciDigest,
  aciKeysetDigest,
  aciReportData,
  aciStatement,
} from './dialects/aci-statement.ts'
export { exchangeText } from './dialects/exchange-text.ts'
export { recoverPersonal, signPersonal, signPersonalBytes } from './dialects/personal-signature.ts'
export { signingReportData, type SigningIdentity } from './dialects/signing-report-data.ts'
export { TINFOIL, tinfoilReportData } from './dialects/tinfoil-report-data.ts'
export {
  documentDigest,
  modelIdOf,
  parseCatalog,
  parseKeyset,
  parsePosture,
  type E2eePublicKey,
  type Keyset,
  type ModelCatalog,
  type ModelDescriptor,
  type Posture,
  type ReceiptSigningKey,
  type TlsPublicKey,
  type WeightsState,
} from './documents.ts'
export type { ContractDomain } from './eip712.ts'
export {
  decodeEvidence,
  encodeEvidence,
  EVIDENCE_MEDIA_TYPE,
  MAX_EVIDENCE_BYTES,
  type EvidenceBundle,
  type KmsChain,
} from './evidence-bundle.ts'
export {
  decodeGpuEvidence,
  encodeGpuEvidence,
  type GpuDeviceEvidence,
  type GpuEvidence,
} from './gpu-evidence.ts'
export { deviceIdentityOf, gpuDevicesDigest } from '../gpu/device/device-identity.ts'
export { parseGpuReport, type GpuReportFacts } from '../gpu/spdm/parse-gpu-report.ts'
export { VerifierError } from '../errors.ts'
export { feeOf, type TokenPrice } from './fee.ts'
export {
  MAX_AUTH_LIFE_S,
  MAX_HEADER_BYTES,
  MAX_KEYSET_LIFE_S,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_SETTLE_BATCH,
  SETTLE_WINDOW_S,
} from './limits.ts'
export {
  attestationDigest,
  verifiedAttestationDigest,
  bindingIdOf,
  type Attestation,
  type VerifiedAttestation,
  type NodeStatement,
} from './node-statement.ts'
export {
  encodeEpochDocument,
  epochRoot,
  MAX_EPOCH_DOCUMENT_BYTES,
  MAX_EPOCH_RECEIPTS,
  parseEpochDocument,
  proveInclusion,
  type ArchivedContent,
  type ArchivedEvidence,
  type EpochDocument,
} from './log/epoch-document.ts'
export {
  encodeAnchoredEpoch,
  encodeInclusionProof,
  MAX_PROOF_CHARACTERS,
  parseAnchoredEpoch,
  parseInclusionProof,
  type AnchoredEpoch,
  type EpochPlace,
  type InclusionProof,
} from './log/inclusion-proof.ts'
export {
  inclusionPath,
  merkleRoot,
  merkleTree,
  rootFromPath,
  type MerkleTree,
} from './log/merkle-tree.ts'
export { receiptCommitment, receiptSalt } from './log/receipt-commitment.ts'
export { PROTOCOL_ERROR_CODES, ProtocolError, type ProtocolErrorCode } from './protocol-error.ts'
export { receiptDigest, FINISH_CODES, type Finish, type Receipt } from './receipt.ts'
export { DONE_FRAME, receiptFrame, STREAM_END, type ReceiptChunk } from './receipt-frame.ts'
export {
  isPromptPath,
  PROMPT_ENDPOINTS,
  TERMINAL_EVENTS,
  type PromptPath,
  type StreamKind,
} from './prompt-endpoints.ts'
export {
  freshnessHash,
  gpuNonce,
  parseNonce,
  reportData,
  ZERO_DIGEST,
  type Freshness,
} from './report-data.ts'
export {
  authDigest,
  AUTHORIZATION_HEADER,
  createResponseHasher,
  encodeAuthorization,
  parseAuthorization,
  requestHash,
  type RequestAuth,
  type ResponseHasher,
  type SignedRequestAuth,
} from './request-auth.ts'
export { RUNTIME_EVENT_TYPE, runtimeEventDigest } from './runtime-event.ts'
export {
  addressOf,
  ed25519PublicKey,
  recoverAddress,
  secp256k1PublicKey,
  secp256k1PublicPoint,
  signDigest,
  signEd25519,
  verifyEd25519,
} from './signatures.ts'
export {
  asArray,
  asDecimal,
  asHex,
  asInteger,
  asString,
  exactObject,
  type JsonObject,
} from './shape.ts'
export { SseReceiptSplitter, type StreamEnd } from './sse-receipt-splitter.ts'
export { nodeKeyFolder, SIGNER_PURPOSE, signerPath } from './signer-path.ts'
export {
  encodeVoucher,
  parseVoucher,
  signVoucher,
  voucherDigest,
  type SignedVoucher,
  type Voucher,
  type VoucherPart,
} from './voucher.ts'
