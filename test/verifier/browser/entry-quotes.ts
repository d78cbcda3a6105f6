/** What judges a TDX quote and the dstack log beside it: the part that has a size to keep. */
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
