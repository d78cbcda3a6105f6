import type { Hex } from '../bytes/hex.ts'
import { parseStrictJson } from '../bytes/strict-json.ts'
import { VerifierError } from '../errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asArray, asHex, asInteger, asOneOf, exactObject } from '../protocol/shape.ts'
import { readOsImage, type OsImage } from '../tdx/quote-policy.ts'
import type { Tier } from '../tdx/trust-anchor.ts'
import { UNMADE_CHECKS, type UnmadeCheck } from './unmade-checks.ts'

/** What a relying party accepts (docs/protocol.md §4). An empty list accepts nothing. */
export interface AppraisalPolicy {
  readonly v: 1
  /** Checks this version does not make and the relying party does without. */
  readonly acceptSkipped: readonly UnmadeCheck[]
  readonly composeHashes: readonly Hex[]
  readonly gpu: 'required' | 'not-required'
  readonly osImages: readonly OsImage[]
  readonly tiers: readonly Tier[]
}

const MAX_ENTRIES = 4096
const MAX_POLICY_CHARACTERS = 4 * 1024 * 1024
const MAX_DEPTH = 8

/**
 * Reads policy JSON as people write it: white space is free, doubled, unknown and missing members are not.
 * @throws VerifierError `POLICY_INVALID`
 */
export function parsePolicy(text: string): AppraisalPolicy {
  try {
    if (text.length > MAX_POLICY_CHARACTERS) throw new SyntaxError('policy: too large')
    return readPolicy(parseStrictJson(text, { maxDepth: MAX_DEPTH }))
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof ProtocolError)) throw cause
    throw new VerifierError('POLICY_INVALID', cause.message, { cause })
  }
}

function readPolicy(value: unknown): AppraisalPolicy {
  const policy = exactObject(value, 'policy', [
    'v',
    'acceptSkipped',
    'composeHashes',
    'gpu',
    'osImages',
    'tiers',
  ])
  asInteger(policy['v'], 'policy.v', { min: 1, max: 1 })
  return {
    v: 1,
    acceptSkipped: asArray(policy['acceptSkipped'], 'policy.acceptSkipped', MAX_ENTRIES).map(
      (check) => asOneOf(check, 'policy.acceptSkipped[]', UNMADE_CHECKS),
    ),
    composeHashes: asArray(policy['composeHashes'], 'policy.composeHashes', MAX_ENTRIES).map(
      (hash) => asHex(hash, 'policy.composeHashes[]', 32),
    ),
    gpu: asOneOf(policy['gpu'], 'policy.gpu', ['required', 'not-required']),
    osImages: asArray(policy['osImages'], 'policy.osImages', MAX_ENTRIES).map((image) =>
      readOsImage(image, 'policy.osImages[]'),
    ),
    tiers: asArray(policy['tiers'], 'policy.tiers', 2).map((tier) =>
      asOneOf(tier, 'policy.tiers[]', ['tdx', 'simulated']),
    ),
  }
}
