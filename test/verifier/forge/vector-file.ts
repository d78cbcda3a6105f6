import type { Expectation } from './forge-case.ts'

/** The form of `test/vectors/tdx/`: what its README describes. */

/** Key of a text in `parts.json.gz`: the first 12 hex digits of the SHA-256 of its UTF-8 bytes. */
export type PartId = string

/** A bundle by its difference from the base; or as the text, or the value, that stands in its place. */
export type BundleRecord =
  | {
      /** Members with another text. */
      readonly replaced?: Readonly<Record<string, PartId>>
      /** Members with something that is no text, or none that has bytes. */
      readonly values?: Readonly<Record<string, unknown>>
      readonly missing?: readonly string[]
    }
  | { readonly text: PartId }
  | { readonly value: unknown }

/** One case. */
export interface CaseRecord {
  readonly id: string
  readonly area: string
  readonly why: string
  /** ISO 8601, or `NaN`; Unix milliseconds where ISO 8601 does not reach. Left out: that of the file. */
  readonly at?: string | number
  /** Hex of the root to trust. Left out: that of the base. */
  readonly root?: PartId
  /** Hex of the quote. Left out: that of the base. */
  readonly quote?: PartId
  /** Left out: the base. */
  readonly bundle?: BundleRecord
  readonly expect: Expectation
}

/** `cases.json`. */
export interface CaseFile {
  readonly seed: string
  readonly at: string
  readonly base: {
    readonly root: PartId
    readonly quote: PartId
    readonly bundle: Readonly<Record<string, PartId>>
  }
  readonly cases: readonly CaseRecord[]
}

/** `parts.json.gz`, unpacked. */
export type Parts = Readonly<Record<PartId, string>>
