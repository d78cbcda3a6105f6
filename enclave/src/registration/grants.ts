import {
  attestationDigest,
  concatBytes,
  decodeEvidence,
  encodeEvidence,
  fromHex,
  keccak256,
  parseKeyset,
  ProtocolError,
  sha256,
  signDigest,
  toHex,
  verifiedAttestationDigest,
  ZERO_DIGEST,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Attester } from '../attestation/attester.ts'
import type { EvidenceArchive } from '../attestation/evidence-archive.ts'
import {
  ChainError,
  type AttestCall,
  type Block,
  type NodeChain,
  type OnchainVerification,
} from '../chain/node-chain.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { Logger } from '../logging.ts'
import type { NodeIdentity } from '../statement/node-identity.ts'

/** What a grant of a binding takes. */
export interface GrantParts {
  readonly chain: NodeChain
  readonly registry: ContractDomain
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly attester: Attester
  readonly archive: EvidenceArchive
  readonly logger: Logger
}

const DEADLINE_S = 600n

/**
 * Has a fresh quote over a recent block granted by whoever grants on this chain: the listed verifier, which judges it,
 * or the registry alone where there is none, which then says tier NONE. Either the whole of it is on chain afterwards,
 * or nothing but collateral, which is anybody's.
 * @param judged whether the verifier granted it before, under the endpoint of now: then this is a renewal
 */
export async function grantBinding(
  parts: GrantParts,
  { validityS, judged }: { readonly validityS: bigint; readonly judged: boolean },
): Promise<void> {
  const { chain, identity, attester } = parts
  const block = await chain.recentBlock()
  if (keysetEndOf(identity) <= block.timestamp) {
    throw new Error('the keyset has ended: restart the node')
  }
  const evidence = await attester.attest({
    kind: 'registration',
    blockNumber: block.number,
    blockHash: block.hash,
  })
  const { verification } = chain
  if (verification === undefined) await bindUnjudged(parts, block, evidence, validityS)
  else await attestJudged(parts, verification, block, evidence, judged)
}

/** Unix seconds. */
export function keysetEndOf({ keyset }: NodeIdentity): bigint {
  return BigInt(parseKeyset(keyset).not_after)
}

/** Archived before it is named on chain. The first grant is signed with a key that the quote covers; a renewal need not be. */
async function attestJudged(
  parts: GrantParts,
  verification: OnchainVerification,
  block: Block,
  bundle: Uint8Array,
  judged: boolean,
): Promise<void> {
  const { identity, archive, logger } = parts
  const { bindingId } = identity
  const { quote, gpuEvidence } = decodeEvidence(bundle)
  const gpuDigest = gpuEvidence === undefined ? ZERO_DIGEST : toHex(sha256(gpuEvidence))
  for (const { steps, gasUsed } of await verification.bringCollateral(quote, judged)) {
    logger.info({ steps, gas: gasUsed.toString() }, 'collateral brought')
  }
  const evidence = await verification.evidenceOf(quote, gpuDigest)
  const evidenceHash = toHex(keccak256(concatBytes(fromHex(block.hash, 32), evidence)))
  await archive.put(await withCollateral(parts, verification, bundle), evidenceHash)
  const { gasUsed } = judged
    ? await verification.renew({
        agentId: identity.statement.agentId,
        bindingId,
        blockNumber: block.number,
        evidence,
      })
    : await verification.attest(signedCall(parts, verification, block, evidence, evidenceHash))
  logger.info(
    { bindingId, gas: gasUsed.toString() },
    judged ? 'renewed on chain' : 'attested on chain',
  )
  await archive.confirm(evidenceHash)
}

function signedCall(
  { registry, identity, keys }: GrantParts,
  { verifierIndex }: OnchainVerification,
  block: Block,
  evidence: Uint8Array,
  evidenceHash: Hex,
): AttestCall {
  const { bindingId, statement } = identity
  const call = { blockNumber: block.number, deadline: block.timestamp + DEADLINE_S }
  const signed = { ...call, bindingId, verifierIndex, evidenceHash }
  const signerSig = signDigest(verifiedAttestationDigest(signed, registry), keys.signerKey)
  return { ...call, statement, evidence, signerSig }
}

/**
 * The bundle with Intel's documents of now, which nobody serves later. A service that does not answer keeps no node from its
 * grant: what judged the quote is on chain by then, and whoever archived Intel's documents can still bring them.
 */
async function withCollateral(
  { logger }: GrantParts,
  verification: OnchainVerification,
  bundle: Uint8Array,
): Promise<Uint8Array> {
  try {
    const collateral = await verification.collateralOf(bundle)
    return encodeEvidence({ ...decodeEvidence(bundle), collateral })
  } catch (error) {
    if (!(error instanceof ChainError || error instanceof ProtocolError)) throw error
    logger.warn({ reason: error.message }, 'evidence is archived without collateral')
    return bundle
  }
}

async function bindUnjudged(
  { chain, registry, identity, keys, archive }: GrantParts,
  block: Block,
  evidence: Uint8Array,
  validityS: bigint,
): Promise<void> {
  const evidenceHash = await archive.put(evidence)
  const keysetEnd = keysetEndOf(identity)
  const end = block.timestamp + validityS
  const call = {
    statement: identity.statement,
    evidenceHash,
    blockNumber: block.number,
    validUntil: end < keysetEnd ? end : keysetEnd,
    deadline: block.timestamp + DEADLINE_S,
  }
  const digest = attestationDigest({ ...call, bindingId: identity.bindingId }, registry)
  await chain.bindSigner({ ...call, signerSig: signDigest(digest, keys.signerKey) })
  await archive.confirm(evidenceHash)
}
