import type { Hex } from '../../bytes/hex.ts'
import type { NodeClaims, Refusal, Report, Tier } from '../../index.ts'
import { firstFailure, type ReportedCheck } from '../fault.ts'
import { checkTree } from '../output/check-tree.ts'
import { leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import type { CliVerdict } from '../verdict.ts'

/** What there is to print of a node. */
export interface NodeAnswer {
  readonly verdict: CliVerdict
  readonly json: object
  readonly tree: Tree
}

/** What is said of a node's evidence. Printed as it stands, behind what was judged. */
export interface NodeResult {
  readonly verdict: 'accepted' | 'rejected'
  /** Code or name of the first failed check; name of the first one not made; null where accepted. */
  readonly code: string | null
  readonly tier: Tier | null
  readonly checks: readonly ReportedCheck[]
  readonly reasons: readonly Refusal[]
  readonly claims: PrintedClaims | null
}

/** Claims without the keys and documents, whose digests they name. */
interface PrintedClaims extends Pick<
  NodeClaims,
  'bindingId' | 'composeHash' | 'measurements' | 'evidenceDigest' | 'posture' | 'gpu'
> {
  readonly agentId: string
  readonly operator: Hex
  readonly signer: Hex
  readonly models: readonly string[]
}

/** The result of verified or refused evidence. */
export function nodeResult(report: Report): NodeResult {
  const { verdict } = report
  const checks = [...report.checks, ...(report.gpuChecks ?? [])]
  if (verdict.outcome === 'refused') {
    const [first] = verdict.reasons
    const code = firstFailure(checks) ?? first?.check ?? null
    const { reasons } = verdict
    return { checks, verdict: 'rejected', code, tier: null, reasons, claims: null }
  }
  const { tier, claims } = verdict
  return {
    checks,
    verdict: 'accepted',
    code: null,
    tier,
    reasons: [],
    claims: printedClaims(claims),
  }
}

function printedClaims(claims: NodeClaims): PrintedClaims {
  const { bindingId, composeHash, measurements, evidenceDigest, posture, statement } = claims
  return {
    bindingId,
    agentId: statement.agentId.toString(),
    operator: statement.operator,
    signer: statement.signer,
    models: claims.catalog.models.map(({ id }) => id),
    composeHash,
    measurements,
    posture,
    ...(claims.gpu === undefined ? {} : { gpu: claims.gpu }),
    evidenceDigest,
  }
}

/** A node for people: what was judged, and whose answer it is. */
export function nodeTree(what: string, freshness: string, result: NodeResult): Tree {
  const { verdict, code, tier, checks, reasons, claims } = result
  const ofTier = reasons.filter(({ check }) => check === 'tier')
  return {
    label: [
      [`${what}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
      [tier === 'simulated' ? '  under a SIMULATED root' : '', 'warning'],
    ],
    below: [
      leaf(freshness, 'quiet'),
      ...checks.map(checkTree),
      ...ofTier.map(({ text }) => leaf(text, 'bad')),
      ...(claims === null ? [] : [claimsTree(claims)]),
    ],
  }
}

function claimsTree({ measurements, posture, models, gpu, ...rest }: PrintedClaims): Tree {
  return {
    label: [['what the node proved', 'plain']],
    below: [
      ...Object.entries({ ...rest, ...measurements }).map(([name, value]) =>
        leaf(`${name.padEnd(14)}  ${value}`),
      ),
      leaf(`${'models'.padEnd(14)}  ${models.join(', ')}`),
      leaf(`${'prompts come'.padEnd(14)}  ${posture.request_confidentiality}`),
      ...(gpu?.devices ?? []).map(({ hwmodel, identity }) =>
        leaf(`${'device'.padEnd(14)}  ${hwmodel} ${identity}`),
      ),
      ...(gpu?.notProven ?? []).map((what) => leaf(`not proven: ${what}`, 'warning')),
    ],
  }
}

/** A node that gave nothing to judge, for people. */
export function unreachableTree(url: string, message: string): Tree {
  return {
    label: [[`${url}: `, 'plain'], verdictSpan('unreachable')],
    below: [leaf(message, 'bad')],
  }
}
