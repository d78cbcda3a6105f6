import type { Hex } from '@jeju/verifier/protocol'
import type { TcbStatus } from '@jeju/verifier'
import { encodeFunctionData, parseAbi } from 'viem'
import { DSTACK_TD_FIELDS } from '../boot/image-id.ts'
import { MeasureError } from '../measure-error.ts'
import type { Release } from './schema.ts'

/** What the chain's measurement policy holds of one image in one kind of machine. */
export interface AllowListEntry {
  /** The contract that judges quotes under this entry; it is never repointed. */
  readonly verifier: Hex
  readonly imageId: Hex
  /** Pinned beside the image; zero for any compose file, which no release of ours uses. */
  readonly composeHash: Hex
  /** Attributes a TD may have, 8 bytes as they stand in the report. */
  readonly tdAttributes: Hex
  readonly tier: 'TDX' | 'TDX_GPU'
  /** The worst status that is taken. */
  readonly tcbStatusFloor: TcbStatus
  /** 48 bytes; zero for none. */
  readonly mrServiceTd: Hex
  /** Commit of the sources, 20 bytes. */
  readonly commit: Hex
  /** Where the sources are; at least one. */
  readonly sources: readonly string[]
}

/** Where a release's entries go, and what only its publisher knows. */
export interface AllowListContext {
  readonly verifier: Hex
  readonly commit: Hex
  readonly sources: readonly string[]
}

const NO_SERVICE_TD: Hex = `0x${'00'.repeat(48)}`
/** A TCB floor, from the best to the worst that a release may list. */
const FLOORS = ['UpToDate', 'SWHardeningNeeded', 'ConfigurationNeeded'] as const

/**
 * One entry for each accepted image, machine and compose file.
 * @throws MeasureError `ALLOW_LIST_EMPTY`
 */
export function allowListEntries(
  release: Release,
  { verifier, commit, sources }: AllowListContext,
): readonly AllowListEntry[] {
  const floor = FLOORS.findLast((status) => release.tcb.statuses.includes(status))
  const images = release.osImages
    .filter(({ accepted }) => accepted)
    .flatMap(({ machines }) => machines.map(({ imageId }) => imageId))
  if (images.length === 0 || floor === undefined || sources.length === 0) {
    throw new MeasureError(
      'ALLOW_LIST_EMPTY',
      'no accepted image has registers here: record its measurement document in os-images/',
    )
  }
  return images.flatMap((imageId) =>
    release.composes.map(({ composeHash }) => ({
      verifier,
      imageId,
      composeHash,
      tdAttributes: DSTACK_TD_FIELDS.tdAttributes,
      // No contract checks a GPU: the tier says what the policy asks of the measured software.
      tier: release.gpu === 'required' ? 'TDX_GPU' : 'TDX',
      tcbStatusFloor: floor,
      mrServiceTd: NO_SERVICE_TD,
      commit,
      sources,
    })),
  )
}

const POLICY_ABI = parseAbi([
  'struct Entry { address verifier; bytes32 imageId; bytes32 composeHash; bytes8 tdAttributes; uint8 tier; uint8 tcbStatusFloor; bytes mrServiceTd; bytes20 commitHash; string[] sources; }',
  'function allow(Entry entry)',
])
/** Numbers of the contracts: `Tier` of ComputeRegistry, and the order of TCB statuses of the verifier on chain. */
const TIERS = { TDX: 1, TDX_GPU: 2 } as const
const STATUSES: readonly TcbStatus[] = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'ConfigurationNeeded',
]

/** The call that adds an entry to MeasurementPolicy. Everything that is that contract's own stands in this function. */
export function allowCall(entry: AllowListEntry): Hex {
  const { commit, tier, tcbStatusFloor, sources, ...same } = entry
  return encodeFunctionData({
    abi: POLICY_ABI,
    functionName: 'allow',
    args: [
      {
        ...same,
        tier: TIERS[tier],
        tcbStatusFloor: STATUSES.indexOf(tcbStatusFloor),
        commitHash: commit,
        sources: [...sources],
      },
    ],
  })
}
