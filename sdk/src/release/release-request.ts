import {
  asDecimal,
  asHex,
  asInteger,
  canonicalJson,
  exactObject,
  parseCanonicalJson,
  signDigest,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { releaseDigest, type Release } from '../chain/viem-release.ts'

/** A release with the session key's signature. */
export interface SignedRelease extends Release {
  /** 65 bytes. */
  readonly signature: Hex
}

/** Name of the service of a registration file that releases channels. */
export const RELEASE_SERVICE = 'release'

/** How far ahead a deadline may lie, seconds. */
export const MAX_RELEASE_LIFE_S = 600n

/** Signs a release with the channel's session key. */
export function signRelease(
  release: Release,
  ledger: ContractDomain,
  sessionKey: Uint8Array,
): SignedRelease {
  return { ...release, signature: signDigest(releaseDigest(release, ledger), sessionKey) }
}

/** JCS text. */
export function encodeRelease({ channelId, paid, deadline, signature }: SignedRelease): string {
  return canonicalJson({
    channelId,
    deadline: deadline.toString(),
    paid: paid.toString(),
    signature,
    v: 1,
  })
}

/** Reads JCS text; checks form only. Throws a ProtocolError. */
export function parseRelease(text: string): SignedRelease {
  const members = ['channelId', 'deadline', 'paid', 'signature', 'v'] as const
  const release = exactObject(parseCanonicalJson(text, 'release'), 'release', members)
  asInteger(release['v'], 'release.v', { min: 1, max: 1 })
  return {
    channelId: asHex(release['channelId'], 'release.channelId', 32),
    paid: asDecimal(release['paid'], 'release.paid', 128),
    deadline: asDecimal(release['deadline'], 'release.deadline', 64),
    signature: asHex(release['signature'], 'release.signature', 65),
  }
}
