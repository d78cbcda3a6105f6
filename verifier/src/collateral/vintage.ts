import { CheckFailure } from '../report/check-failure.ts'
import { parseDocument } from '../tdx/collateral/document.ts'
import { parseEvaluationNumbers } from '../tdx/collateral/evaluation-numbers.ts'
import { parseCrl } from '../x509/crl.ts'
import { DerError } from '../x509/der.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'

const HOUR_MS = 3_600_000
/** A refresh sooner than this after a fetch brings nothing: documents are issued about daily. */
const MIN_REFRESH_MS: number = 24 * HOUR_MS
/** Documents live 30 days; dates nobody has verified must not keep a bundle for longer. */
const MAX_KEPT_MS: number = 31 * 24 * HOUR_MS
const MAX_EVALUATION_NUMBER = 0xffff_ffff

/** From when until when one part of a bundle says it is in force. Unix milliseconds. */
export interface DatedPart {
  readonly name: string
  readonly issued: number
  readonly ends: number
}

/** A signed document's dates, evaluation data number, and what it speaks of. */
export interface DatedDocument extends DatedPart {
  readonly number: number
  /** 12 lowercase hex digits; TCB info only. */
  readonly fmspc: string | undefined
}

/** Reads what a signed document says of itself; nothing of it is verified here. @throws CollateralFetchError */
export function dateDocument(text: string, name: string, place: string): DatedDocument {
  return readDated(place, () => {
    const fields = parseDocument(text, name)
    return {
      name,
      issued: fields.time('issueDate'),
      ends: fields.time('nextUpdate'),
      number: fields.integer('tcbEvaluationDataNumber', MAX_EVALUATION_NUMBER),
      fmspc: fields.has('fmspc') ? fields.hex('fmspc', 6) : undefined,
    }
  })
}

/** The same of a list of evaluation data numbers, whose number is its highest. @throws CollateralFetchError */
export function dateEvaluationNumbers(text: string, name: string, place: string): DatedDocument {
  return readDated(place, () => {
    const { issueDate, nextUpdate, numbers } = parseEvaluationNumbers(text)
    const number = numbers[0]?.tcbEvaluationDataNumber ?? 0
    return { name, issued: issueDate, ends: nextUpdate, number, fmspc: undefined }
  })
}

function readDated(place: string, read: () => DatedDocument): DatedDocument {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof CheckFailure)) throw cause
    throw new CollateralFetchError('FETCH_BODY_INVALID', `${place}: ${cause.message}`, { cause })
  }
}

/** Reads the dates of a CRL. @throws CollateralFetchError */
export function dateCrl(der: Uint8Array, name: string, place: string): DatedPart {
  try {
    const { thisUpdate, nextUpdate } = parseCrl(der, name)
    return { name, issued: thisUpdate, ends: nextUpdate }
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause
    throw new CollateralFetchError('FETCH_BODY_INVALID', `${place}: ${cause.message}`, { cause })
  }
}

/** Every part is in force at that time: each begun, none ended. @throws CollateralFetchError */
export function requireInForce(parts: readonly DatedPart[], now: number): void {
  for (const { name, issued, ends } of parts) {
    if (now >= issued && now < ends) continue
    const span = `${new Date(issued).toISOString()} to ${new Date(ends).toISOString()}`
    const message = `${name}: expected in force at ${new Date(now).toISOString()}, got ${span}`
    throw new CollateralFetchError('FETCH_NOT_IN_FORCE', message)
  }
}

/**
 * No part is older than the one it would replace: a service that goes back to an old vintage does not bring back a
 * status that Intel has taken away (attack B4).
 * @throws CollateralFetchError
 */
export function requireNotOlder(
  parts: readonly (DatedPart | DatedDocument)[],
  than: readonly (DatedPart | DatedDocument)[],
): void {
  for (const before of than) {
    const part = parts.find(({ name }) => name === before.name)
    const isOlder =
      part === undefined || part.issued < before.issued || numberOf(part) < numberOf(before)
    if (isOlder) {
      throw new CollateralFetchError('FETCH_OLDER', `${before.name}: older than the one kept`)
    }
  }
}

function numberOf(part: DatedPart | DatedDocument): number {
  return 'number' in part ? part.number : 0
}

/** When a bundle must not be served any more: at the earliest `nextUpdate`. */
export function endOf(parts: readonly DatedPart[], fetchedAt: number): number {
  return Math.min(fetchedAt + MAX_KEPT_MS, ...parts.map(({ ends }) => ends))
}

/** When a bundle is fetched again while it still serves: half its life, and not before a day has passed. */
export function refreshTimeOf(parts: readonly DatedPart[], fetchedAt: number): number {
  const halves = parts.map(({ issued, ends }) => issued + (ends - issued) / 2)
  return Math.max(fetchedAt + MIN_REFRESH_MS, Math.min(...halves))
}
