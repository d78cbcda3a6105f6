import type { Hex } from '../bytes/hex.ts'
import { asArray, asHex, asInteger, asOneOf, asString, exactObject } from '../protocol/shape.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { TCB_STATUSES, type TcbStatus } from './tcb/tcb-status.ts'
import { OPTIONAL_ATTRIBUTES, type OptionalAttribute } from './td-flags.ts'

/** Registers of an operating system image on one VM shape, 48 bytes each. They are accepted as a set. */
export interface OsImage {
  readonly mrtd: Hex
  readonly rtmr0: Hex
  readonly rtmr1: Hex
  readonly rtmr2: Hex
}

/** `YYYY-MM-DDTHH:MM:SSZ` (ISO 8601, UTC). */
export type UtcTime = `${string}Z`

/** A status that is taken for a while. */
export interface ToleratedStatus {
  readonly status: TcbStatus
  /** Every advisory of the quote must be one of these. */
  readonly advisoryIDs: readonly string[]
  readonly until: UtcTime
}

/** Which genuine quotes a relying party wants. Nothing is left out: what does not matter is written `any`. */
export interface QuotePolicy {
  readonly v: 1
  readonly tcb: TcbPolicy
  readonly td: {
    /** Attributes a TD may have; debug, profiling, migration and unknown bits are never taken. */
    readonly attributes: readonly OptionalAttribute[]
    readonly septVeDisable: 'required' | 'any'
    /** Service TDs, beside none. */
    readonly mrServiceTds: readonly Hex[]
  }
  readonly measurements: {
    readonly mrSeams: readonly Hex[] | 'any'
    readonly mrConfigIds: readonly Hex[] | 'any'
    readonly osImages: readonly OsImage[] | 'any'
  }
}

/** Which state of a platform is good enough. */
export interface TcbPolicy {
  readonly statuses: readonly TcbStatus[]
  readonly tolerated: readonly ToleratedStatus[]
  readonly minEvaluationDataNumber: number
  readonly minTcbDate: UtcTime | 'any'
}

/** An up-to-date platform, and nothing tolerated. */
export const DEFAULT_TCB_POLICY: TcbPolicy = {
  statuses: ['UpToDate'],
  tolerated: [],
  minEvaluationDataNumber: 0,
  minTcbDate: 'any',
}

/** A production TD on an up-to-date platform; of any image, which is for the caller to know. */
export const DEFAULT_QUOTE_POLICY: QuotePolicy = {
  v: 1,
  tcb: DEFAULT_TCB_POLICY,
  td: { attributes: OPTIONAL_ATTRIBUTES, septVeDisable: 'required', mrServiceTds: [] },
  measurements: { mrSeams: 'any', mrConfigIds: 'any', osImages: 'any' },
}

const MAX_ENTRIES = 4096
const MAX_EVALUATION_NUMBER = 0xffff_ffff

/**
 * Reads a quote policy out of parsed JSON; doubled, unknown and missing members are refused.
 * @throws ProtocolError `INPUT_FIELD`, `INPUT_HEX`
 */
export function parseQuotePolicy(value: unknown): QuotePolicy {
  const policy = exactObject(value, 'policy', ['v', 'tcb', 'td', 'measurements'])
  asInteger(policy['v'], 'policy.v', { min: 1, max: 1 })
  const td = exactObject(policy['td'], 'policy.td', ['attributes', 'septVeDisable', 'mrServiceTds'])
  const measurements = exactObject(policy['measurements'], 'policy.measurements', [
    'mrSeams',
    'mrConfigIds',
    'osImages',
  ])
  const place = 'policy.measurements'
  return {
    v: 1,
    tcb: parseTcbPolicy(policy['tcb'], 'policy.tcb'),
    td: {
      attributes: list(td['attributes'], 'policy.td.attributes').map((name) =>
        asOneOf(name, 'policy.td.attributes[]', OPTIONAL_ATTRIBUTES),
      ),
      septVeDisable: asOneOf(td['septVeDisable'], 'policy.td.septVeDisable', ['required', 'any']),
      mrServiceTds: registers(td['mrServiceTds'], 'policy.td.mrServiceTds'),
    },
    measurements: {
      mrSeams: anyOr(measurements['mrSeams'], (given) => registers(given, `${place}.mrSeams`)),
      mrConfigIds: anyOr(measurements['mrConfigIds'], (given) =>
        registers(given, `${place}.mrConfigIds`),
      ),
      osImages: anyOr(measurements['osImages'], (given) =>
        list(given, `${place}.osImages`).map((image) => readOsImage(image, `${place}.osImages[]`)),
      ),
    },
  }
}

/** The TCB part, which the policy of a node has too. @throws ProtocolError */
export function parseTcbPolicy(value: unknown, place: string): TcbPolicy {
  const tcb = exactObject(value, place, [
    'statuses',
    'tolerated',
    'minEvaluationDataNumber',
    'minTcbDate',
  ])
  return {
    statuses: list(tcb['statuses'], `${place}.statuses`).map((status) =>
      asOneOf(status, `${place}.statuses[]`, TCB_STATUSES),
    ),
    tolerated: list(tcb['tolerated'], `${place}.tolerated`).map((entry) =>
      readTolerated(entry, `${place}.tolerated[]`),
    ),
    minEvaluationDataNumber: asInteger(
      tcb['minEvaluationDataNumber'],
      `${place}.minEvaluationDataNumber`,
      { min: 0, max: MAX_EVALUATION_NUMBER },
    ),
    minTcbDate: anyOr(tcb['minTcbDate'], (given) => readTime(given, `${place}.minTcbDate`)),
  }
}

/** Four registers, as a set. @throws ProtocolError */
export function readOsImage(value: unknown, place: string): OsImage {
  const image = exactObject(value, place, ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2'])
  return {
    mrtd: asHex(image['mrtd'], `${place}.mrtd`, 48),
    rtmr0: asHex(image['rtmr0'], `${place}.rtmr0`, 48),
    rtmr1: asHex(image['rtmr1'], `${place}.rtmr1`, 48),
    rtmr2: asHex(image['rtmr2'], `${place}.rtmr2`, 48),
  }
}

function readTolerated(value: unknown, place: string): ToleratedStatus {
  const entry = exactObject(value, place, ['status', 'advisoryIDs', 'until'])
  return {
    status: asOneOf(entry['status'], `${place}.status`, TCB_STATUSES),
    advisoryIDs: list(entry['advisoryIDs'], `${place}.advisoryIDs`).map((id) =>
      asString(id, `${place}.advisoryIDs[]`, 64),
    ),
    until: readTime(entry['until'], `${place}.until`),
  }
}

/** A time without zone would mean another one to each reader. */
function readTime(value: unknown, place: string): UtcTime {
  const text = asString(value, place, 20)
  const time = Date.parse(text)
  if (Number.isNaN(time) || new Date(time).toISOString() !== text.replace('Z', '.000Z')) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected YYYY-MM-DDTHH:MM:SSZ`)
  }
  return text as UtcTime
}

function anyOr<Value>(value: unknown, read: (value: unknown) => Value): Value | 'any' {
  return value === 'any' ? 'any' : read(value)
}

function registers(value: unknown, place: string): readonly Hex[] {
  return list(value, place).map((register) => asHex(register, `${place}[]`, 48))
}

function list(value: unknown, place: string): readonly unknown[] {
  return asArray(value, place, MAX_ENTRIES)
}
