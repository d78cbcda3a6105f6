/** Quotes and collateral signed again after any change, under a private root: negative cases for verifiers. */
export {
  bitString,
  boolean,
  element,
  integer,
  octets,
  sequence,
  TAG,
  time,
  unsignedInteger,
  withIndefiniteLength,
  withLongLength,
} from '../pki/der-writer.ts'
export {
  encodeSgxFields,
  SGX_EXTENSION_OID,
  sgxFields,
  type SgxField,
  type SgxPlatform,
} from '../pki/sgx-extension.ts'
export {
  basicConstraints,
  keyUsage,
  OID_BASIC_CONSTRAINTS,
  OID_KEY_USAGE,
  USAGE_CA,
  USAGE_LEAF,
  type CertificateFields,
} from './certificate.ts'
export { chainOf } from './chains.ts'
export { pem } from '../pki/pem.ts'
export type { Bundle, CrlChange, DocumentChange } from './collateral.ts'
export type { CrlFields } from './crl.ts'
export {
  components,
  type ModuleIdentityJson,
  type PlatformLevelJson,
  type QeIdentityJson,
  type SvnLevelJson,
  type TcbInfoJson,
} from './documents.ts'
export type { ForgedSignature } from './forge-signature.ts'
export { createForge, type Forge, type Forged, type Forgery } from './forge.ts'
export { USUAL_PLATFORM, type CertificateChange, type ForgedPki } from './pki.ts'
export type { QuoteChange, QuoteLayout } from './quote.ts'
export {
  COMMON_NAME,
  ECDSA_WITH_SHA256,
  nameOf,
  signatureValue,
  type ExtensionFields,
  type SignedForm,
} from './signed-der.ts'
export { tcbSvn, type TdReportBody } from './td-report.ts'
