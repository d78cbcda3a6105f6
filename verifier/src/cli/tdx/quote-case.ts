import { parseQuotePolicy, VerifierError, type QuotePolicy } from '../../index.ts'
import type { JsonObject } from '../../protocol/shape.ts'
import { parseBinary } from '../../bytes/binary-text.ts'
import { optionalText } from '../../protocol/json-object.ts'
import { rootOfPem } from '../read/trust-anchor.ts'

/** What a case is called in the answer; null where it has no name, or none that can be one. */
export type CaseId = string | number | null

/** One question of `jeju-verify tdx`: is this quote genuine, with this collateral, at this time, under this root? */
export interface QuoteCase {
  readonly quote: Uint8Array
  /** As it stands in the case: an object, or the JSON text of one. */
  readonly collateral: unknown
  readonly at: Date
  /** DER of a root of the case's own. */
  readonly root: Uint8Array | undefined
  readonly policy: QuotePolicy
}

/** What a case need not say. */
export interface CaseDefaults {
  readonly at: Date | undefined
  readonly policy: QuotePolicy
}

const MAX_ID_CHARACTERS = 1024

/** The case's name. */
export function caseIdOf({ id }: JsonObject): CaseId {
  if (typeof id === 'number') return id
  return typeof id === 'string' && id.length <= MAX_ID_CHARACTERS ? id : null
}

/** Reads a case; members it does not know are let be. @throws ProtocolError, VerifierError */
export function readQuoteCase(object: JsonObject, defaults: CaseDefaults): QuoteCase {
  const pem = optionalText(object, 'trustAnchor')
  const { policy } = object
  return {
    quote: parseBinary(object['quote'], 'quote'),
    collateral: object['collateral'],
    at: timeOfCase(object, defaults.at),
    root: pem === undefined ? undefined : rootOfPem(pem),
    policy: policy === undefined ? defaults.policy : parseQuotePolicy(policy),
  }
}

/** Unix seconds. The clock is not asked: a case says the same on every day. */
function timeOfCase({ now }: JsonObject, fallback: Date | undefined): Date {
  if (now === undefined && fallback !== undefined) return fallback
  if (typeof now !== 'number') {
    throw new VerifierError('TIME_INVALID', 'now: expected Unix seconds')
  }
  return new Date(now * 1000)
}
