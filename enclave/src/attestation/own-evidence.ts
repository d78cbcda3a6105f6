import type { TdxDeployment } from '@jeju/contracts'
import { judgeOwnEvidence } from '@jeju/verifier/node'
import { randomBytes32, toHex, type ContractDomain } from '@jeju/verifier/protocol'
import type { NodeIdentity } from '../statement/node-identity.ts'
import type { Attester } from './attester.ts'

/** Evidence of this node that no relying party would take, whomever it trusts. */
export class OwnEvidenceError extends Error {
  override readonly name = 'OwnEvidenceError'
  readonly code = 'OWN_EVIDENCE_REFUSED'
}

const MAX_TEXT_CHARACTERS = 300

/**
 * Challenges this node as a client does and judges what it answers by the client's own code (docs/protocol.md §4), so
 * that a machine nobody can verify says so at its start, and is neither registered nor paid.
 * @throws OwnEvidenceError with the checks that do not hold, and what {@link Attester.attest} throws
 */
export async function requireOwnEvidence({
  attester,
  identity,
  registry,
  tdx,
  now,
}: {
  readonly attester: Attester
  readonly identity: NodeIdentity
  readonly registry: ContractDomain
  /** Where quotes are judged on chain: by that root. */
  readonly tdx: TdxDeployment | undefined
  readonly now: () => Date
}): Promise<void> {
  const { agentId, operator } = identity.statement
  const freshness = { kind: 'challenge', nonce: toHex(randomBytes32()) } as const
  const objections = await judgeOwnEvidence(await attester.attest(freshness), {
    at: now(),
    registry,
    freshness,
    expected: { agentId, operator },
    rootSha256: tdx?.rootCertificateHash,
  })
  if (objections.length === 0) return
  const texts = objections.map(
    ({ check, text }) => `  ${check}: ${text.slice(0, MAX_TEXT_CHARACTERS)}`,
  )
  throw new OwnEvidenceError(`own evidence:\n${texts.join('\n')}`)
}
