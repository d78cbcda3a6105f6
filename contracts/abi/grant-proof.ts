import type { Hex } from '@jeju/verifier/protocol'
import { encodeAbiParameters, keccak256, parseAbiParameters, slice } from 'viem'
import { lowercase } from './address.ts'

/** `verifierIndex` of a grant that nobody judged. */
export const NO_VERIFIER = 255

/** One grant of a binding, as `Attested` and `SignerBound` tell it. */
export interface Grant {
  readonly evidenceHash: Hex
  readonly verifierIndex: number
  readonly blockNumber: bigint
}

/** That there was a grant, for `refutesEvidence`, `proveBadAttestation` and `keepHead` (docs/protocol.md §9). */
export interface GrantProof {
  readonly endpointVersion: number
  /** 20 bytes. */
  readonly before: Hex
  /** The grant, and those after it in the same version of the endpoint. */
  readonly grants: readonly Grant[]
}

/** An event of ComputeRegistry, as viem decodes it. */
export interface RegistryLog {
  readonly eventName: string
  readonly args: {
    readonly agentId?: bigint
    readonly bindingId?: Hex
    readonly evidenceHash?: Hex
    readonly verifierIndex?: bigint
    readonly blockNumber?: bigint
  }
}

/** The logs tell of no such grant; the message names what was looked for. */
export class GrantProofError extends Error {
  override readonly name = 'GrantProofError'
  readonly code = 'GRANT_UNKNOWN'
}

const LINK = parseAbiParameters('bytes20, bytes32, uint256, uint256')
/** Head before the first grant of a version. */
const EMPTY_HEAD: Hex = `0x${'00'.repeat(20)}`

/** Head of a chain of grants after these, 20 bytes. `head` is that before them; without it, they are the first. */
export function grantHeadAfter(grants: readonly Grant[], head: Hex = EMPTY_HEAD): Hex {
  return grants.reduce((before, { evidenceHash, verifierIndex, blockNumber }) => {
    const link = encodeAbiParameters(LINK, [
      before,
      evidenceHash,
      BigInt(verifierIndex),
      blockNumber,
    ])
    return slice(keccak256(link), 0, 20)
  }, head)
}

/**
 * Shows that the binding was granted on this evidence.
 * @param logs every event of ComputeRegistry about the agent from its registration on, in the chain's order
 * @param evidenceHash as in the event of the grant
 * @throws GrantProofError where no grant was given on it
 */
export function grantProof(
  logs: readonly RegistryLog[],
  grant: { readonly agentId: bigint; readonly bindingId: Hex; readonly evidenceHash: Hex },
): GrantProof {
  const versions = grantsByVersion(logs, grant.agentId, grant.bindingId)
  const wanted = lowercase(grant.evidenceHash)
  for (const [index, grants] of versions.entries()) {
    const first = grants.findIndex(({ evidenceHash }) => lowercase(evidenceHash) === wanted)
    if (first === -1) continue
    return {
      endpointVersion: index + 1,
      before: grantHeadAfter(grants.slice(0, first)),
      grants: grants.slice(first),
    }
  }
  throw new GrantProofError(
    `agent ${grant.agentId}, binding ${grant.bindingId}: expected a grant on evidence ${wanted}, found none in ${logs.length} events`,
  )
}

/** A new endpoint or owner begins a new version, and every version a chain. */
function grantsByVersion(
  logs: readonly RegistryLog[],
  agentId: bigint,
  bindingId: Hex,
): readonly (readonly Grant[])[] {
  let current: Grant[] = []
  const versions = [current]
  for (const { eventName, args } of logs) {
    if (args.agentId !== agentId) continue
    if (eventName === 'EndpointUpdated' || eventName === 'OwnerRefreshed') {
      current = []
      versions.push(current)
    }
    const isGrant = eventName === 'Attested' || eventName === 'SignerBound'
    const { evidenceHash, blockNumber, verifierIndex = BigInt(NO_VERIFIER) } = args
    if (!isGrant || evidenceHash === undefined || blockNumber === undefined) continue
    if (args.bindingId === undefined || lowercase(args.bindingId) !== lowercase(bindingId)) continue
    current.push({ evidenceHash, verifierIndex: Number(verifierIndex), blockNumber })
  }
  return versions
}
