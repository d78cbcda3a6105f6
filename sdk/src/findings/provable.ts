import { authDigest, receiptDigest, type ContractDomain, type Hex } from '@jeju/verifier/protocol'
import type { Finding, SignedReceipt } from './finding.ts'

/** Two receipts for one authorisation: evidence E1 of docs/protocol.md §9. */
export interface Conflict {
  readonly auth: Finding['auth']
  readonly first: SignedReceipt
  readonly second: SignedReceipt
}

/** A finding, with what the staking contract can make of it. */
export interface JudgedFinding extends Finding {
  readonly authHash: Hex
  /** What can be proven; or why a contract cannot check it. */
  readonly proof: { readonly conflict: Conflict } | { readonly none: string }
}

/**
 * What the chain can check of findings, which is receipts of different digest for one authorisation; those of all
 * findings together. Who signed them the chain is asked.
 */
export function judgeFindings(
  findings: readonly Finding[],
  serving: ContractDomain,
): readonly JudgedFinding[] {
  const found = new Map<Hex, Map<Hex, SignedReceipt>>()
  const named = findings.map((finding) => ({
    ...finding,
    authHash: authDigest(finding.auth, serving),
  }))
  for (const { authHash, receipts } of named) {
    const different = found.get(authHash) ?? new Map<Hex, SignedReceipt>()
    for (const signed of receipts) {
      if (signed.receipt.authHash !== authHash) continue
      different.set(receiptDigest(signed.receipt, serving), signed)
    }
    found.set(authHash, different)
  }
  return named.map((finding) => {
    const [first, second] = [...(found.get(finding.authHash)?.values() ?? [])]
    return first !== undefined && second !== undefined
      ? { ...finding, proof: { conflict: { auth: finding.auth, first, second } } }
      : { ...finding, proof: { none: reasonOf(finding, first) } }
  })
}

function reasonOf({ receipts }: Finding, first: SignedReceipt | undefined): string {
  if (receipts.length === 0) return 'no receipt came, and a contract sees no answer'
  if (first === undefined) return 'its receipt is for another authorisation'
  return 'one receipt alone: a contract sees no answer to hold it against'
}
