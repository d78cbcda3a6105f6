import { VerifierError } from '../errors.ts'
import type { GpuTier } from '../gpu/gpu-trust-anchor.ts'
import type { AppraisalPolicy } from '../policy/policy.ts'
import { checkTcbAllowed } from '../policy/check-tcb-allowed.ts'
import { skipped, type Check } from '../report/check.ts'
import { conclude, type JudgedReport } from '../report/conclude.ts'
import type { QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import type { JudgedCollateral } from '../tdx/collateral/verified-collateral.ts'
import { parseQuote } from '../tdx/parse-quote.ts'
import { QUOTE_CHECKS, type QuoteCheckName } from '../tdx/quote-report.ts'
import { QuoteVerifier } from '../tdx/quote-verifier.ts'
import type { Quote } from '../tdx/quote.ts'
import type { GpuJudgement } from '../statement/check-gpu.ts'
import { assertTrustAnchor, type Tier, type TrustAnchor } from '../tdx/trust-anchor.ts'

/** What a relying party brings to evidence of another dialect; each dialect adds what it asks for. */
export interface DialectContext {
  readonly at: Date
  readonly trustAnchor: TrustAnchor
  /** A verifier of that anchor that is kept between calls; one of this call alone by default. */
  readonly quoteVerifier?: QuoteVerifier
  readonly collateral: QuoteCollateral | JudgedCollateral | undefined
  readonly policy: AppraisalPolicy
  /** Who judges GPUs, with what was fetched for it. Without it no node with a GPU is verified. */
  readonly gpu?: GpuJudgement
}

/** The checks that every dialect makes first. */
export type QuoteFirst = QuoteCheckName | 'tcb-allowed'

/** What a dialect makes of a quote whose signatures hold. */
export interface DialectContents<Name extends string, Claims> {
  readonly checks: readonly Check<Name>[]
  readonly claims: Claims | undefined
  /** Of the roots of GPUs, where there are some: the verdict is as good as the weaker. */
  readonly gpuTier?: GpuTier | undefined
}

/**
 * Judges a quote as one dialect: the signatures by the path of every quote, then what that dialect says of the report
 * data. Which dialect it is the caller says; none is ever tried to see whether it fits (attack C4).
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export async function judgeQuote<Name extends string, Claims>(
  quoteBytes: Uint8Array,
  given: DialectContext,
  own: readonly Name[],
  contents: (quote: Quote, at: Date) => Promise<DialectContents<Name, Claims>>,
): Promise<JudgedReport<QuoteFirst | Name, Claims>> {
  const { trustAnchor, policy, collateral } = given
  const at = new Date(given.at.getTime())
  assertTrustAnchor(trustAnchor)
  if (given.quoteVerifier && given.quoteVerifier.trustAnchor !== trustAnchor) {
    throw new VerifierError('TRUST_ANCHOR_INVALID', 'quoteVerifier: of another anchor')
  }
  const names: readonly (QuoteFirst | Name)[] = [...QUOTE_CHECKS, 'tcb-allowed', ...own]
  const { tier } = trustAnchor
  const { tiers } = policy
  const quote = parseQuote(quoteBytes.slice())
  const verifier = given.quoteVerifier ?? new QuoteVerifier(trustAnchor)
  const { checks: made, genuine } = await verifier.verify(quote, collateral, at)
  if (made.some(({ status }) => status === 'failed')) {
    // Nothing below the signatures means anything, and no work is done on unsigned input (attack B6).
    const others = names.filter((name) => !made.some((check) => check.name === name))
    const unmade = others.map((name) => skipped(name, 'the quote is not genuine'))
    const all = [...made, ...unmade]
    return conclude<QuoteFirst | Name, Claims>({
      names,
      checks: all,
      tier,
      tiers,
      claims: undefined,
    })
  }
  const { checks, claims, gpuTier } = await contents(quote, at)
  const allowed = checkTcbAllowed(genuine, policy, at)
  const all = [...made, allowed, ...checks]
  const weaker: Tier = gpuTier === 'simulated' ? 'simulated' : tier
  return conclude({ names, checks: all, tier: weaker, tiers, claims })
}
