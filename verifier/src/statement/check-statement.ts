import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import type { NodeStatement } from '../protocol/node-statement.ts'
import { freshnessHash, ZERO_DIGEST, type Freshness } from '../protocol/report-data.ts'
import { failed, passed, type Check } from '../report/check.ts'

/** `statement-binding`: the first half of the signed report data is the recomputed bindingId (attacks C5, C12). */
export function checkStatementBinding(
  signedReportData: Uint8Array,
  bindingId: Hex,
): Check<'statement-binding'> {
  const actual = toHex(signedReportData.subarray(0, 32))
  return actual === bindingId
    ? passed('statement-binding', { bindingId })
    : failed('statement-binding', `bindingId ${bindingId}`, `report_data[0:32] ${actual}`)
}

/** `freshness`: the second half is the hash of exactly the freshness asked for (attacks C1, C3, C4). */
export function checkFreshness(
  signedReportData: Uint8Array,
  freshness: Freshness,
  gpuEvidence: Uint8Array | undefined,
): Check<'freshness'> {
  const digest = gpuEvidence === undefined ? ZERO_DIGEST : toHex(sha256(gpuEvidence))
  const expected = freshnessHash(freshness, digest)
  const actual = signedReportData.subarray(32, 64)
  return equalBytes(expected, actual)
    ? passed('freshness', { ...describe(freshness), gpuEvidenceDigest: digest })
    : failed('freshness', `${freshness.kind} hash ${toHex(expected)}`, toHex(actual))
}

function describe(freshness: Freshness): Readonly<Record<string, string>> {
  return freshness.kind === 'challenge'
    ? { kind: 'challenge', nonce: freshness.nonce }
    : { kind: 'registration', blockNumber: freshness.blockNumber.toString() }
}

/** Whom the relying party wants to talk to. */
export interface ExpectedIdentity {
  readonly agentId: bigint
  readonly operator: Hex
}

/** `statement-identity`: a measurement alone is never identity (attack C7). */
export function checkIdentity(
  statement: NodeStatement,
  expected: ExpectedIdentity,
): Check<'statement-identity'> {
  const name = 'statement-identity'
  const { agentId, operator } = statement
  if (expected.agentId !== agentId) {
    return failed(name, `agent ${expected.agentId}`, `agent ${agentId}`)
  }
  if (expected.operator.toLowerCase() !== operator) {
    return failed(name, `operator ${expected.operator.toLowerCase()}`, `operator ${operator}`)
  }
  return passed(name, { agentId: agentId.toString(), operator })
}
