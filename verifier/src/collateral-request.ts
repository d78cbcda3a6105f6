import { decodeEvidence } from './protocol/evidence-bundle.ts'
import { readPckChainUnverified, readPckPlatformUnverified } from './tdx/check-pck-chain.ts'
import type { QuoteCollateral } from './tdx/collateral/quote-collateral.ts'
import { parseQuote } from './tdx/parse-quote.ts'
import type { PckPlatform } from './tdx/sgx-extension.ts'

/** What collateral depends on; both stand in the quote's PCK certificate. */
export interface CollateralRequest {
  /** 12 hex digits. */
  readonly fmspc: string
  /** The CA that issued the PCK certificate. */
  readonly ca: 'platform' | 'processor'
}

/** Where collateral comes from: a client of Intel's service or a PCCS, a file, a cache. It judges nothing. */
export interface CollateralSource {
  collateralFor(request: CollateralRequest): Promise<QuoteCollateral>
}

/**
 * Which collateral an evidence bundle needs. Read from a certificate nobody has verified yet: good for asking, and
 * for nothing else.
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export function collateralRequestOf(evidence: Uint8Array): CollateralRequest {
  const { signature } = parseQuote(decodeEvidence(evidence).quote)
  return readPckPlatformUnverified(signature.pckChainPem)
}

/**
 * The platform that an evidence bundle's PCK certificate names, for who counts nodes by machine. It proves nothing by
 * itself: ask it of evidence whose report passed.
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export function platformOf(evidence: Uint8Array): PckPlatform {
  const { signature } = parseQuote(decodeEvidence(evidence).quote)
  return readPckChainUnverified(signature.pckChainPem).platform
}
