/** A question in several wordings, and what may be answered. */
export interface Question {
  readonly wordings: readonly string[]
  readonly answers: readonly string[]
}
