import type { Hex } from '../bytes/hex.ts'
import type { GpuCheckName, GpuClaims } from '../gpu/gpu-report.ts'
import type { Keyset, ModelCatalog, Posture } from '../protocol/documents.ts'
import type { NodeStatement } from '../protocol/node-statement.ts'
import { QUOTE_CHECKS, type QuoteCheckName } from '../tdx/quote-report.ts'
import type { Tier } from '../tdx/trust-anchor.ts'
import type { Check } from './check.ts'
import type { concluded } from './concluded.ts'

/** The checks of a node's evidence beside those of its quote. */
const NODE_CHECKS = [
  'tcb-allowed',
  'td-attributes',
  'event-log',
  'compose-hash',
  'mr-config-id',
  'compose-allowed',
  'os-image-allowed',
  'statement-binding',
  'freshness',
  'statement-identity',
  'instance-identity',
  'keyset',
  'model-catalog',
  'posture',
  'key-custody',
  'gpu-evidence',
] as const

/** One of {@link EVIDENCE_CHECKS}. */
export type EvidenceCheckName = QuoteCheckName | (typeof NODE_CHECKS)[number]

/** The checks of docs/protocol.md §4, in the order in which they are made and reported. */
export const EVIDENCE_CHECKS: readonly EvidenceCheckName[] = [...QUOTE_CHECKS, ...NODE_CHECKS]

/** What verified evidence says; only a verified verdict carries it. */
export interface NodeClaims {
  readonly bindingId: Hex
  readonly statement: NodeStatement
  readonly keyset: Keyset
  readonly catalog: ModelCatalog
  readonly posture: Posture
  readonly composeHash: Hex
  readonly measurements: {
    readonly mrtd: Hex
    readonly rtmr0: Hex
    readonly rtmr1: Hex
    readonly rtmr2: Hex
    readonly rtmr3: Hex
  }
  /** Absent on a CPU-only node. */
  readonly gpu?: GpuClaims
  /** SHA-256 of the evidence bundle. */
  readonly evidenceDigest: Hex
  readonly verifiedAt: Date
}

/** Why evidence was refused: a check, and what was wrong with it. */
export interface Refusal {
  readonly check: EvidenceCheckName | 'tier'
  readonly text: string
}

/** Every check, and the verdict computed from them. */
export interface Report {
  readonly checks: readonly Check<EvidenceCheckName>[]
  /** The checks behind `gpu-evidence`, where a GPU was judged. */
  readonly gpuChecks?: readonly Check<GpuCheckName>[]
  readonly verdict: Verdict
}

export type Verdict = VerifiedVerdict | RefusedVerdict

/** Evidence that was refused, with every reason. */
export interface RefusedVerdict {
  readonly outcome: 'refused'
  readonly reasons: readonly Refusal[]
}

/** Evidence that holds. Only `concludeReport` makes one. */
export interface VerifiedVerdict {
  readonly outcome: 'verified'
  readonly tier: Tier
  readonly claims: NodeClaims
  /** Nothing outside this folder can name this member, so no other code can write such a verdict. */
  readonly [concluded]: true
}
