import { VerifierError } from '../../errors.ts'
import type { NrasAppraiser } from './appraise-by-nras.ts'

const made = new WeakSet<NrasAppraiser>()

/** Remembers an appraiser. In a file of its own, so that whoever takes no tokens carries nothing that reads them. */
export function markNrasAppraiser(appraiser: NrasAppraiser): NrasAppraiser {
  made.add(appraiser)
  return appraiser
}

/** Refuses an object, if any, that only looks like an appraiser: every check that it made would be the caller's claim. */
export function assertNrasAppraiser(candidate: NrasAppraiser | undefined): void {
  if (candidate === undefined || made.has(candidate)) return
  throw new VerifierError('TRUST_ANCHOR_INVALID', 'NRAS appraiser: not made by this module')
}
