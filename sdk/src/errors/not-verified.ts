import type { Check } from '@jeju/verifier'
import { SdkError } from './sdk-error.ts'

/** One provider or answer that was refused, with every check that was made of it. */
export interface Refusal {
  readonly agentId: bigint
  /** All checks, in order. */
  readonly checks: readonly Check[]
  /** Those that decided, with one line each: expected and actual, or why a needed check was skipped. */
  readonly reasons: readonly { readonly check: string; readonly text: string }[]
}

/** The checks that decided, from the list itself: for reports that carry no reasons of their own. */
export function failuresOf(checks: readonly Check[]): Refusal['reasons'] {
  return checks.flatMap((check) =>
    check.status === 'failed'
      ? [{ check: check.name, text: `expected ${check.expected}, got ${check.actual}` }]
      : [],
  )
}

/**
 * A provider or an answer did not pass. `subject` tells which: a `provider` is refused before anything is sent, an
 * `answer` after it was paid for, so a caller who sends the request again pays again.
 */
export class NotVerified extends SdkError {
  override readonly name: string = 'NotVerified'
  readonly subject: 'provider' | 'answer'
  /** At least one; more where several candidates were refused. */
  readonly refusals: readonly [Refusal, ...Refusal[]]

  constructor(subject: 'provider' | 'answer', refusals: readonly [Refusal, ...Refusal[]]) {
    super('NOT_VERIFIED', `${subject} not verified: ${refusals.map(describe).join('; ')}`)
    this.subject = subject
    this.refusals = refusals
  }

  /** Every check of the first refusal. */
  get report(): Refusal {
    return this.refusals[0]
  }

  /** Names of the checks that decided, over all refusals, each once. */
  get failedChecks(): readonly string[] {
    return [...new Set(this.refusals.flatMap(({ reasons }) => reasons.map(({ check }) => check)))]
  }
}

function describe({ agentId, reasons }: Refusal): string {
  return `agent ${agentId}: ${reasons.map(({ check, text }) => `${check} (${text})`).join(', ')}`
}
