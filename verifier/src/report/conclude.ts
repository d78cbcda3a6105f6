import type { Tier } from '../tdx/trust-anchor.ts'
import type { Check } from './check.ts'
import { concluded } from './concluded.ts'

/** Why something was refused: a check, and what was wrong with it. */
export interface RefusalOf<Name extends string> {
  readonly check: Name | 'tier'
  readonly text: string
}

/** Every check of one judgement, and the verdict computed from them. */
export interface JudgedReport<Name extends string, Claims> {
  readonly checks: readonly Check<Name>[]
  readonly verdict:
    | {
        readonly outcome: 'verified'
        readonly tier: Tier
        readonly claims: Claims
        /** Nothing outside this folder can name this member, so no other code can write such a verdict. */
        readonly [concluded]: true
      }
    | { readonly outcome: 'refused'; readonly reasons: readonly RefusalOf<Name>[] }
}

/** What a verdict is computed from. */
export interface Judgement<Name extends string, Claims> {
  /** Every check there has to be. */
  readonly names: readonly Name[]
  readonly checks: readonly Check<Name>[]
  readonly tier: Tier
  /** Tiers the policy lists. */
  readonly tiers: readonly Tier[]
  /** Undefined where a document was unreadable. */
  readonly claims: Claims | undefined
}

/**
 * The one place where a verdict is made (attack F4): every check of the list must be there once and passed; the tier
 * must be one the policy lists.
 */
export function conclude<Name extends string, Claims>(
  judgement: Judgement<Name, Claims>,
): JudgedReport<Name, Claims> {
  const { names, checks, tier, tiers, claims } = judgement
  const reasons: RefusalOf<Name>[] = []
  if (!tiers.includes(tier)) {
    reasons.push({ check: 'tier', text: `the trust anchor is ${tier}; policy: ${tiers.join()}` })
  }
  for (const name of names) {
    const found = checks.filter((candidate) => candidate.name === name)
    const check = found.length === 1 ? found[0] : undefined
    if (check?.status !== 'passed') reasons.push({ check: name, text: describe(check) })
  }
  if (reasons.length > 0 || claims === undefined) {
    const verdict = Object.freeze({ outcome: 'refused', reasons } as const)
    return Object.freeze({ checks, verdict })
  }
  const verdict = Object.freeze({ outcome: 'verified', tier, claims, [concluded]: true } as const)
  return Object.freeze({ checks, verdict })
}

function describe(check: Check | undefined): string {
  if (check === undefined) return 'not made, or made twice'
  switch (check.status) {
    case 'failed':
      return `expected ${check.expected}, got ${check.actual}`
    case 'skipped':
      return `skipped: ${check.because}`
    case 'passed':
      return 'passed'
  }
}
