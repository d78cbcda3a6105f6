import { computeRegistryAbi, computeStakingAbi, lowercase, type Deployment } from '@jeju/contracts'
import {
  ProtocolError,
  randomBytes32,
  receiptDigest,
  recoverAddress,
  toHex,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { createChainClient, eventOf, type Wallet } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { Store } from '../store/store.ts'
import type { SignedReceipt } from './finding.ts'
import type { Conflict } from './provable.ts'

/** What one step of a report came to. */
export type ReportStep =
  /** The claim on the evidence is on chain; it can be proven from `usableFrom` on, Unix seconds, for a day. */
  | { readonly outcome: 'committed'; readonly usableFrom: bigint; readonly hash: Hex }
  /** It is not of age yet. */
  | { readonly outcome: 'waiting' }
  /** The binding has ended, and so much of the bond is gone, wei. */
  | { readonly outcome: 'proven'; readonly slashed: bigint; readonly hash: Hex }

/** Collaborators of {@link reportConflict}. */
export interface ReportParts {
  readonly wallet: Wallet
  readonly deployment: Deployment
  /** Keeps the salt between commitment and proof. */
  readonly store: Store
}

/**
 * Brings a conflict (E1) to the chain, one step for each call: commits to it, and at least five minutes later, with the
 * same wallet and store, proves it. Nothing is sent before both signatures were seen to be the binding's. Throws
 * `NOT_VERIFIED`, or `CHAIN_REVERT` where the contract refuses: it was proven before, or too late.
 */
export async function reportConflict(conflict: Conflict, parts: ReportParts): Promise<ReportStep> {
  const { wallet, deployment, store } = parts
  const client = createChainClient(wallet, deployment)
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const
  const { bindingId } = conflict.auth
  const [, , signer] = await client.read({
    address: deployment.computeRegistry,
    abi: computeRegistryAbi,
    functionName: 'partiesOf',
    args: [bindingId],
  })
  const serving = {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.inferenceServing,
  }
  for (const signed of [conflict.first, conflict.second]) {
    requireSigner(signed, lowercase(signer), serving)
  }
  const evidence = {
    auth: conflict.auth,
    first: conflict.first.receipt,
    firstSig: conflict.first.signature,
    second: conflict.second.receipt,
    secondSig: conflict.second.signature,
  }
  const evidenceHash = await client.read({
    ...staking,
    functionName: 'conflictHash',
    args: [evidence],
  })
  const place = `${deployment.chainId}-${deployment.computeStaking}-${client.account}`
  const name = `evidence-salts/${place}/${evidenceHash}`.toLowerCase()
  const kept = await store.read(name)
  const salt = kept === undefined ? toHex(randomBytes32()) : saltOf(kept, name)
  if (kept === undefined) await store.write(name, salt)
  else {
    try {
      const args = [evidence, salt] as const
      const { hash, logs } = await client.write({ ...staking, functionName: 'proveConflict', args })
      await store.remove(name)
      const event = eventOf(computeStakingAbi, 'EvidenceProven', staking.address, logs)
      return { outcome: 'proven', slashed: event.args.amount, hash }
    } catch (error) {
      const refusal =
        error instanceof SdkError && error.code === 'CHAIN_REVERT' ? error.message : ''
      if (refusal.includes('CommitmentTooYoung')) return { outcome: 'waiting' }
      if (!/NotCommitted|CommitmentExpired/.test(refusal)) throw error
    }
  }
  const args = [client.account, evidenceHash, salt] as const
  const commitment = await client.read({ ...staking, functionName: 'commitmentOf', args })
  const { hash, logs } = await client.write({
    ...staking,
    functionName: 'commitEvidence',
    args: [commitment],
  })
  const event = eventOf(computeStakingAbi, 'EvidenceCommitted', staking.address, logs)
  return { outcome: 'committed', usableFrom: event.args.usableFrom, hash }
}

/** Throws `NOT_VERIFIED`: the contract would refuse it, but only after a commitment was paid for. */
function requireSigner(
  { receipt, signature }: SignedReceipt,
  signer: Hex,
  serving: ContractDomain,
): void {
  let actual = 'nobody'
  try {
    actual = recoverAddress(receiptDigest(receipt, serving), signature)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
  if (actual === signer) return
  throw new SdkError('NOT_VERIFIED', `receipt: expected a signature by ${signer}, got ${actual}`)
}

function saltOf(text: string, name: string): Hex {
  if (/^0x[0-9a-f]{64}$/.test(text)) return text as Hex
  throw new SdkError('RECORD_INVALID', `${name}: expected 32 bytes`)
}
