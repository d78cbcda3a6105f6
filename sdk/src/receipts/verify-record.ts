import type { Deployment } from '@jeju/contracts'
import {
  verifyEvidence,
  verifyInclusion,
  verifyReceipt,
  type AppraisalPolicy,
  type Check,
  type GpuTrust,
  type NodeClaims,
  type TrustAnchor,
} from '@jeju/verifier'
import {
  authDigest,
  documentDigest,
  encodeAnchoredEpoch,
  MAX_AUTH_LIFE_S,
  modelIdOf,
  parseComputeReceipt,
  ProtocolError,
  recoverAddress,
} from '@jeju/verifier/protocol'
import { rootsOf, type AnchoredEpochs } from '../chain/receipt-roots.ts'
import { MAX_SESSION_MS } from '../session/session-cache.ts'
import { evidenceDigestOf, type EvidenceRecord } from './evidence-record.ts'
import type { InclusionRecord } from './inclusion-record.ts'
import { answerOf, feeOfRecord, keysetText, type ReceiptRecord } from './receipt-record.ts'

/** Under what a record is judged: nothing of it comes from the record. */
export interface RecordTrust {
  readonly deployment: Deployment
  readonly trustAnchor: TrustAnchor
  readonly policy: AppraisalPolicy
  readonly gpu?: GpuTrust
  /** What ReceiptRoots says of an epoch, from whom the caller believes it: what is kept with a proof does not vouch for itself. */
  readonly anchored?: AnchoredEpochs
  /** Whether a receipt is refused whose proof of inclusion is missing, or stands against no root that is believed. */
  readonly inclusion?: 'required'
}

/** Every check of a record, and whether all of them passed. */
export interface RecordReport {
  readonly checks: readonly Check[]
  readonly outcome: 'verified' | 'refused'
  /** Wei. */
  readonly fee: bigint
}

/** Longest time from the verification of a node to the end of an answer that rests on it. */
const MAX_AGE_MS = MAX_SESSION_MS + Number(MAX_AUTH_LIFE_S) * 1000

/**
 * Verifies a kept receipt again (docs/protocol.md §6), asking nobody but `gpu` and `anchored` where there are any: the receipt
 * against what was signed, priced and received, and the key that signed it against the evidence of its node, judged as of
 * then; with `inclusion`, that it stood in the node's log in time. What was received is known by its hash only: whoever kept
 * the bytes compares that himself.
 */
export async function verifyReceiptRecord(
  record: ReceiptRecord,
  evidence: EvidenceRecord | undefined,
  trust: RecordTrust,
  inclusion?: InclusionRecord,
): Promise<RecordReport> {
  const { keyset } = record.binding
  const keysetDigest = documentDigest(keysetText(keyset))
  const receipt = verifyReceipt(answerOf(record), {
    signed: record.signed,
    serving: record.serving,
    binding: { ...record.binding, keysetDigest },
    model: record.model,
    modelId: record.modelId,
    price: record.price,
    requestBytes: record.requestBytes,
    at: record.at,
  })
  const checks: readonly Check[] = [
    ...receipt.checks,
    checkSessionKey(record),
    checkServing(record, trust.deployment),
    ...(await checkEvidence(record, evidence, trust)),
  ]
  const included = await checkInclusion(record, inclusion, trust)
  const holds =
    checks.every(({ status }) => status === 'passed') &&
    included.every(({ status }) =>
      trust.inclusion === 'required' ? status === 'passed' : status !== 'failed',
    )
  return {
    checks: [...checks, ...included],
    outcome: holds ? 'verified' : 'refused',
    fee: feeOfRecord(record),
  }
}

/** That the receipt stood in its node's log when the epoch was anchored (docs/protocol.md §12). */
async function checkInclusion(
  { receipt }: ReceiptRecord,
  inclusion: InclusionRecord | undefined,
  { deployment, anchored: anchoredAt, inclusion: wanted }: RecordTrust,
): Promise<readonly Check[]> {
  const roots = rootsOf(deployment)
  if (inclusion === undefined) {
    return wanted === 'required' ? [same('inclusion-kept', 'a proof of inclusion', 'none')] : []
  }
  const { proof, anchored: kept } = inclusion
  if (anchoredAt === undefined) {
    return verifyInclusion({ receipt, proof, anchored: kept, roots }).checks.map(unvouched)
  }
  const anchored = await anchoredAt({ roots, bindingId: kept.bindingId, epoch: kept.epoch })
  if (anchored === undefined) return [same('inclusion-kept', 'an epoch of the log', 'none')]
  return [
    same('inclusion-kept', encodeAnchoredEpoch(anchored), encodeAnchoredEpoch(kept)),
    ...verifyInclusion({ receipt, proof, anchored, roots }).checks,
  ]
}

/** Whoever can write the proof can write root and time beside it. */
function unvouched(check: Check): Check {
  return check.status !== 'passed' || check.name === 'inclusion-log'
    ? check
    : skipped(check.name, 'nobody but the kept proof says what the chain has')
}

function checkSessionKey({ signed, serving, sessionKey }: ReceiptRecord): Check {
  const name = 'authorisation-signature'
  try {
    const actual = recoverAddress(authDigest(signed.auth, serving), signed.signature)
    return same(name, `by the session key ${sessionKey}`, `by the session key ${actual}`)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return same(name, `by the session key ${sessionKey}`, error.message)
  }
}

function checkServing({ serving }: ReceiptRecord, deployment: Deployment): Check {
  const expected = `${deployment.chainId}:${deployment.inferenceServing}`
  return same('receipt-contract', expected, `${serving.chainId}:${serving.verifyingContract}`)
}

async function checkEvidence(
  record: ReceiptRecord,
  evidence: EvidenceRecord | undefined,
  trust: RecordTrust,
): Promise<readonly Check[]> {
  if (evidence === undefined) return [same('evidence-kept', record.evidence, 'none')]
  const { at, nonce, bundle, collateral } = evidence
  const { deployment, trustAnchor, policy, gpu } = trust
  const judgement = await gpu?.judgementFor(bundle)
  const { verdict, checks } = await verifyEvidence(bundle, {
    at,
    trustAnchor,
    policy,
    collateral,
    registry: {
      chainId: BigInt(deployment.chainId),
      verifyingContract: deployment.computeRegistry,
    },
    freshness: { kind: 'challenge', nonce },
    expected: { agentId: record.agentId, operator: record.operator },
    ...(judgement === undefined ? {} : { gpu: judgement }),
  })
  const kept = [same('evidence-kept', record.evidence, evidenceDigestOf(evidence)), ...checks]
  if (verdict.outcome !== 'verified') {
    // Where only the tier is refused no check of the list says so.
    const reasons = verdict.reasons.map(({ check, text }) => `${check}: ${text}`).join('; ')
    return [...kept, same('evidence-verdict', 'verified', reasons)]
  }
  return [...kept, checkTime(record, evidence), ...checkClaims(record, verdict.claims)]
}

/** The node was verified before it was relied on, and not too long before. */
function checkTime({ at, receipt }: ReceiptRecord, evidence: EvidenceRecord): Check {
  const { issuedAt } = parseComputeReceipt(receipt).receipt
  const age = at.getTime() - evidence.at.getTime()
  return age >= 0 && age <= MAX_AGE_MS
    ? { name: 'evidence-time', status: 'passed', evidence: { issuedAt: issuedAt.toString(), age } }
    : {
        name: 'evidence-time',
        status: 'failed',
        expected: `evidence of the ${MAX_AGE_MS} ms before the answer`,
        actual: `evidence of ${age} ms before`,
      }
}

/** The keys and model that the receipt was held against are those that the evidence proves. */
function checkClaims(record: ReceiptRecord, claims: NodeClaims): readonly Check[] {
  const { binding, model, modelId } = record
  const entry = claims.catalog.models.find(({ id }) => id === model)
  return [
    same('evidence-binding', binding.bindingId, claims.bindingId),
    same('evidence-signer', binding.signer, claims.statement.signer),
    same(
      'evidence-keyset',
      documentDigest(keysetText(binding.keyset)),
      claims.statement.keysetDigest,
    ),
    same('evidence-model', modelId, entry === undefined ? 'none' : modelIdOf(entry)),
  ]
}

function skipped(name: string, because: string): Check {
  return { name, status: 'skipped', because }
}

function same(name: string, expected: string, actual: string): Check {
  return expected === actual
    ? { name, status: 'passed', evidence: { value: actual } }
    : { name, status: 'failed', expected, actual }
}
