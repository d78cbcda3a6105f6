import type { Hex } from '../bytes/hex.ts'
import type { GpuCheckName, GpuClaims } from '../gpu/gpu-report.ts'
import type { Keyset, ModelCatalog, Posture } from '../protocol/documents.ts'
import type { NodeStatement } from '../protocol/node-statement.ts'
import { MACHINE_CHECKS, type MachineCheckName } from '../machine/check-machine.ts'
import { QUOTE_CHECKS, type QuoteCheckName } from '../tdx/quote-report.ts'
import type { Check } from './check.ts'
import type { JudgedReport, RefusalOf } from './conclude.ts'

/** The checks of a node's evidence beside those of its quote. */
const NODE_CHECKS = [
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
export type EvidenceCheckName =
  QuoteCheckName | 'tcb-allowed' | MachineCheckName | (typeof NODE_CHECKS)[number]

/** The checks of docs/protocol.md §4, in the order in which they are made and reported. */
export const EVIDENCE_CHECKS: readonly EvidenceCheckName[] = [
  ...QUOTE_CHECKS,
  'tcb-allowed',
  ...MACHINE_CHECKS,
  ...NODE_CHECKS,
]

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
export type Refusal = RefusalOf<EvidenceCheckName>

/** Every check, and the verdict computed from them. */
export type Report = JudgedReport<EvidenceCheckName, NodeClaims> & {
  /** The checks behind `gpu-evidence`, where a GPU was judged. */
  readonly gpuChecks?: readonly Check<GpuCheckName>[]
}

export type Verdict = Report['verdict']

/** Evidence that was refused, with every reason. */
export type RefusedVerdict = Extract<Verdict, { readonly outcome: 'refused' }>

/** Evidence that holds. Only `conclude` makes one. */
export type VerifiedVerdict = Extract<Verdict, { readonly outcome: 'verified' }>
