import { measurementPolicyAbi } from '@jeju/contracts'
import type { TcbStatus } from '@jeju/verifier'
import { fromHex, toHex, ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import { encodeFunctionData, padHex } from 'viem'
import { DSTACK_TD_FIELDS } from '../boot/image-id.ts'
import { MeasureError } from '../measure-error.ts'
import type { Release } from './schema.ts'

/** What the chain's measurement policy holds of one image in one kind of machine. */
export interface AllowListEntry {
  readonly imageId: Hex
  /** Pinned beside the image; zero for any compose file, which no release of ours uses. */
  readonly composeHash: Hex
  /** Attributes a TD may have, 8 bytes as they stand in the report. */
  readonly tdAttributes: Hex
  readonly tier: 'TDX' | 'TDX_GPU'
  /** The statuses that are taken. */
  readonly tcbStatuses: readonly TcbStatus[]
  /** Commit of the sources, 20 bytes. */
  readonly commit: Hex
  /** Where the sources are; at least one. */
  readonly sources: readonly string[]
}

/** Where a release's entries go, and what only its publisher knows. */
export interface AllowListContext {
  readonly commit: Hex
  readonly sources: readonly string[]
}

/**
 * One entry for each accepted image, machine and compose file.
 * @throws MeasureError `ALLOW_LIST_EMPTY`
 */
export function allowListEntries(
  release: Release,
  { commit, sources }: AllowListContext,
): readonly AllowListEntry[] {
  const images = release.osImages
    .filter(({ accepted }) => accepted)
    .flatMap(({ machines }) => machines.map(({ imageId }) => imageId))
  if (images.length === 0 || release.tcb.statuses.length === 0 || sources.length === 0) {
    throw new MeasureError(
      'ALLOW_LIST_EMPTY',
      'no accepted image has registers here: record its measurement document in os-images/',
    )
  }
  return images.flatMap((imageId) =>
    release.composes.map(({ composeHash }) => ({
      imageId,
      composeHash,
      tdAttributes: DSTACK_TD_FIELDS.tdAttributes,
      // Releases are of CPU-only nodes.
      tier: 'TDX',
      tcbStatuses: release.tcb.statuses,
      commit,
      sources,
    })),
  )
}

/** `IComputeRegistry.Tier` and `IMeasurementPolicy.WorkloadPin`. */
const TIERS = { TDX: 2, TDX_GPU: 3 } as const
const PIN_COMPOSE_HASH = 1
/** Bits of `Rule.tcbStatuses` (TcbStatus of the verifier on chain), from the best status to the worst. */
const STATUS_BITS: readonly TcbStatus[] = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'ConfigurationNeeded',
]

/** The call that announces an entry to the MeasurementPolicy that a TdxAttestationVerifier is. Everything that is that contract's own stands here. */
export function allowCall(entry: AllowListEntry): Hex {
  const { imageId, composeHash, tier, tcbStatuses, tdAttributes, commit, sources } = entry
  return encodeFunctionData({
    abi: measurementPolicyAbi,
    functionName: 'propose',
    args: [
      { imageId, pin: PIN_COMPOSE_HASH, workload: composeHash, mrServiceTd: ZERO_DIGEST },
      {
        index: 0,
        tier: TIERS[tier],
        tcbStatuses: bitsOf(tcbStatuses),
        tdAttributes: fromLittleEndian(tdAttributes),
        maxValidity: 0,
      },
      { commit: padHex(commit, { dir: 'right', size: 32 }), sources: [...sources] },
    ],
  })
}

function bitsOf(statuses: readonly TcbStatus[]): number {
  return statuses.reduce((bits, status) => {
    const bit = STATUS_BITS.indexOf(status)
    if (bit !== -1) return bits | (1 << bit)
    throw new MeasureError('MEASURE_INPUT', `${status}: no status that the chain may allow`)
  }, 0)
}

/** TDATTRIBUTES stand in the report with the lowest byte first. */
function fromLittleEndian(bytes: Hex): bigint {
  return BigInt(toHex(fromHex(bytes, 8).toReversed()))
}
