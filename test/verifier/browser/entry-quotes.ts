/** What judges a TDX quote and the log of dstack beside it, without custody of keys. */
export {
  appraiseQuote,
  intelTrustAnchor,
  parseCollateral,
  parseQuote,
  parseQuotePolicy,
  QuoteVerifier,
} from '../../../verifier/src/index.ts'
export { decodeAttestation } from '../../../verifier/src/dstack/attestation/decode-attestation.ts'
export { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
export { checkMrConfigId } from '../../../verifier/src/dstack/check-mr-config-id.ts'
