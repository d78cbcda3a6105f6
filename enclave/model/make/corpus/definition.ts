/** A term under its names, and what it means. */
export interface Definition {
  readonly names: readonly string[]
  readonly answer: string
}
