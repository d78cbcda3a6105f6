import type { Preferences } from '@jeju/verifier/routing'

/** Who may answer a prompt. */
export interface Wanted {
  /** Models that may answer, the first that somebody has. */
  readonly models: readonly string[]
  /** Of providers; `models` is not among them. */
  readonly preferences: Preferences
}
