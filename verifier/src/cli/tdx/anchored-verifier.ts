import { createHash } from 'node:crypto'
import { Recent } from '../../bytes/recent.ts'
import {
  parseCollateral,
  QuoteVerifier,
  type JudgedCollateral,
  type TrustAnchor,
} from '../../index.ts'
import { nodeP256 } from '../../node/index.ts'

/** Bundles kept of one anchor, and the largest text of one that is kept: memory stays flat whatever comes. */
const MAX_KEPT_BUNDLES = 64
const MAX_KEPT_CHARACTERS = 128 * 1024

interface Kept {
  readonly judgedAt: number
  readonly judged: JudgedCollateral
}

/** The verifier of one anchor, with the collateral it judged lately. */
export class AnchoredVerifier {
  readonly verifier: QuoteVerifier
  readonly #kept = new Recent<Kept>(MAX_KEPT_BUNDLES)

  constructor(anchor: TrustAnchor) {
    this.verifier = new QuoteVerifier(anchor, { signatures: nodeP256 })
  }

  /**
   * Judges a bundle, or says what was found before where it would be found again.
   * @throws VerifierError `COLLATERAL_INVALID`, `TIME_INVALID`
   */
  async judge(bundle: unknown, at: Date): Promise<JudgedCollateral> {
    const text =
      typeof bundle === 'string' ? bundle : (JSON.stringify(bundle) as string | undefined)
    if (text === undefined || text.length > MAX_KEPT_CHARACTERS) {
      return this.verifier.judgeCollateral(parseCollateral(bundle), at)
    }
    const digest = createHash('sha256').update(text).digest('base64')
    // A text and an object are read by different rules.
    const key = `${typeof bundle} ${digest}`
    const known = this.#kept.get(key)
    if (known !== undefined && holdsAt(known, at.getTime())) return known.judged
    const judged = await this.verifier.judgeCollateral(parseCollateral(bundle), at)
    this.#kept.set(key, { judgedAt: at.getTime(), judged })
    return judged
  }
}

/**
 * Whether judging again would find the same: at the same time, or later while everything that was in force still is.
 * Earlier, a certificate could not have been valid yet.
 */
function holdsAt({ judgedAt, judged }: Kept, at: number): boolean {
  if (at === judgedAt) return true
  const { validity } = judged
  return validity !== undefined && at > judgedAt && at < validity.earliestExpirationDate
}
