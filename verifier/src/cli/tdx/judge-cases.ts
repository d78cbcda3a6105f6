import { createHash } from 'node:crypto'
import { Recent } from '../../bytes/recent.ts'
import { parseQuote, type TrustAnchor } from '../../index.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { faultOf } from '../fault.ts'
import { parseJsonObject } from '../../protocol/json-object.ts'
import type { Line } from '../read/lines.ts'
import { anchorOf } from '../read/trust-anchor.ts'
import { AnchoredVerifier } from './anchored-verifier.ts'
import { malformedResult, quoteResult, type CaseResult, type QuoteResult } from './case-result.ts'
import {
  caseIdOf,
  readQuoteCase,
  type CaseDefaults,
  type CaseId,
  type QuoteCase,
} from './quote-case.ts'

/** Largest case read, in bytes: the largest quote and bundle the parsers take. */
export const MAX_CASE_BYTES: number = 32 * 1024 * 1024

/** Roots of cases whose verifiers are kept. */
const MAX_KEPT_ANCHORS = 8

/** Judges cases one after the other, keeping what several of them share: verifiers by root, collateral by digest. */
export class CaseJudge {
  readonly #defaults: CaseDefaults
  readonly #default: AnchoredVerifier
  readonly #byRoot = new Recent<AnchoredVerifier>(MAX_KEPT_ANCHORS)

  constructor(anchor: TrustAnchor, defaults: CaseDefaults) {
    this.#defaults = defaults
    this.#default = new AnchoredVerifier(anchor)
  }

  /** The answer to one case, whatever it is. */
  async judge(line: Line): Promise<CaseResult> {
    let id: CaseId = null
    try {
      if (line === 'too long') {
        throw new ProtocolError('INPUT_TOO_LARGE', `case: more than ${MAX_CASE_BYTES} bytes`)
      }
      const object = parseJsonObject(line, 'case')
      id = caseIdOf(object)
      return { id, ...(await this.#judge(readQuoteCase(object, this.#defaults))) }
    } catch (error) {
      return { id, ...malformedResult(faultOf(error)) }
    }
  }

  async #judge({ quote: bytes, collateral, at, root, policy }: QuoteCase): Promise<QuoteResult> {
    const anchored = root === undefined ? this.#default : this.#anchored(root)
    const quote = parseQuote(bytes)
    const judged = await anchored.judge(collateral, at)
    const report = await anchored.verifier.verify(quote, judged, at)
    return quoteResult(quote, report, policy, at)
  }

  #anchored(root: Uint8Array): AnchoredVerifier {
    const key = createHash('sha256').update(root).digest('base64')
    const known = this.#byRoot.get(key)
    if (known !== undefined) return known
    const made = new AnchoredVerifier(anchorOf(root))
    this.#byRoot.set(key, made)
    return made
  }
}
