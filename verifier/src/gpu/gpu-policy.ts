import type { Hex } from '../bytes/hex.ts'
import { asArray, asHex, asInteger, asOneOf, asString, exactObject } from '../protocol/shape.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'

/** Which genuine GPUs a relying party wants. Nothing is left out: what does not matter is written `any`. */
export interface GpuPolicy {
  /** A CPU-only node, too, where it is `optional`. */
  readonly presence: 'required' | 'optional'
  readonly architectures: readonly ('HOPPER' | 'BLACKWELL')[]
  readonly modes: readonly ('SPT' | 'MPT' | 'PPCIE')[]
  /** How many GPUs. */
  readonly count: { readonly min: number; readonly max: number }
  /** `595.71.05`: compared number by number. */
  readonly minDriver: string
  readonly rimIds: readonly string[] | 'any'
  /** RIMs whose signer's chain has ended: for how long after, and which documents (SHA-256). */
  readonly expiredRims: { readonly graceDays: number; readonly digests: readonly Hex[] | 'any' }
  /** Whether each certificate needs an answer about its status; an answer that is there always counts. */
  readonly ocsp: 'required' | 'if-present'
  /** Who compares the measurements: this verifier with RIMs, NVIDIA's service, or both. */
  readonly appraisal: 'local' | 'nras' | 'both'
}

/** What a policy says of GPUs: none, or which. */
export type GpuRequirement = 'forbidden' | GpuPolicy

const MAX_ENTRIES = 4096
const MAX_GPUS = 64
const MAX_GRACE_DAYS = 3650

/** The GPU part of a policy. @throws ProtocolError */
export function readGpuRequirement(value: unknown, place: string): GpuRequirement {
  return value === 'forbidden' ? 'forbidden' : parseGpuPolicy(value, place)
}

/** Reads a GPU policy out of parsed JSON; unknown and missing members are refused. @throws ProtocolError */
export function parseGpuPolicy(value: unknown, place = 'gpu'): GpuPolicy {
  const policy = exactObject(value, place, [
    'presence',
    'architectures',
    'modes',
    'count',
    'minDriver',
    'rimIds',
    'expiredRims',
    'ocsp',
    'appraisal',
  ])
  const count = exactObject(policy['count'], `${place}.count`, ['min', 'max'])
  const min = asInteger(count['min'], `${place}.count.min`, { min: 1, max: MAX_GPUS })
  const expired = exactObject(policy['expiredRims'], `${place}.expiredRims`, [
    'graceDays',
    'digests',
  ])
  const days = { min: 0, max: MAX_GRACE_DAYS }
  return {
    presence: asOneOf(policy['presence'], `${place}.presence`, ['required', 'optional']),
    architectures: list(policy['architectures'], `${place}.architectures`, (entry, at) =>
      asOneOf(entry, at, ['HOPPER', 'BLACKWELL']),
    ),
    modes: list(policy['modes'], `${place}.modes`, (entry, at) =>
      asOneOf(entry, at, ['SPT', 'MPT', 'PPCIE']),
    ),
    count: { min, max: asInteger(count['max'], `${place}.count.max`, { min, max: MAX_GPUS }) },
    minDriver: readDriver(policy['minDriver'], `${place}.minDriver`),
    rimIds: anyOr(policy['rimIds'], (given) =>
      list(given, `${place}.rimIds`, (id, at) => asString(id, at, 128)),
    ),
    expiredRims: {
      graceDays: asInteger(expired['graceDays'], `${place}.expiredRims.graceDays`, days),
      digests: anyOr(expired['digests'], (given) =>
        list(given, `${place}.expiredRims.digests`, (digest, at) => asHex(digest, at, 32)),
      ),
    },
    ocsp: asOneOf(policy['ocsp'], `${place}.ocsp`, ['required', 'if-present']),
    appraisal: asOneOf(policy['appraisal'], `${place}.appraisal`, ['local', 'nras', 'both']),
  }
}

function readDriver(value: unknown, place: string): string {
  const text = asString(value, place, 32)
  if (text === 'any' || isVersion(text)) return text
  throw new ProtocolError('INPUT_FIELD', `${place}: expected numbers with dots, or any`)
}

/** Numbers with dots between. */
export function isVersion(text: string): boolean {
  return /^\d{1,6}(\.\d{1,6}){0,5}$/.test(text)
}

function anyOr<Value>(value: unknown, read: (value: unknown) => Value): Value | 'any' {
  return value === 'any' ? 'any' : read(value)
}

function list<Entry>(
  value: unknown,
  place: string,
  read: (entry: unknown, place: string) => Entry,
): readonly Entry[] {
  return asArray(value, place, MAX_ENTRIES).map((entry) => read(entry, `${place}[]`))
}
