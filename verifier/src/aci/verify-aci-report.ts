import { decodeUtf8, equalBytes } from '../bytes/bytes.ts'
import { toBareHex, toHex, type Hex } from '../bytes/hex.ts'
import { checkDialectDevices, RELAY_NOT_EXCLUDED } from '../dialect/check-devices.ts'
import { devicesOfPayloads } from '../dialect/device-items.ts'
import { judgeQuote, type DialectContext, type QuoteFirst } from '../dialect/judge-quote.ts'
import type { GpuClaims } from '../gpu/gpu-report.ts'
import { checkMachine, MACHINE_CHECKS, type MachineCheckName } from '../machine/check-machine.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ACI_VERSION, aciKeysetDigest, aciReportData } from '../protocol/dialects/aci-statement.ts'
import { failed, passed, type Check } from '../report/check.ts'
import type { JudgedReport } from '../report/conclude.ts'
import { checkChannel, type AciChannel } from './check-channel.ts'
import { checkAciCustody } from './custody.ts'
import { checkAciKeyset, type AciKeyset } from './keyset.ts'
import { parseAciReport, type AciProvenance, type AciReport } from './report.ts'

/** The checks of an ACI report beside those of its quote (ACI, verification procedure, id-1 to id-6). */
const OWN_CHECKS = [
  'aci-report',
  'report-data',
  'keyset',
  'source-provenance',
  'key-custody',
  'channel',
  'gpu-evidence',
] as const

type ContentCheckName = MachineCheckName | (typeof OWN_CHECKS)[number]

/** One check of an ACI report. */
export type AciCheckName = QuoteFirst | ContentCheckName

/** What verified ACI evidence says. */
export interface AciClaims {
  readonly keysetDigest: string
  readonly keyset: AciKeyset
  readonly composeHash: Hex
  /** What of it was corroborated; null otherwise. */
  readonly provenance: AciProvenance
  /** As the report states it: nothing signs it. */
  readonly statedServing: 'direct' | 'aggregator'
  /** What was proven of GPUs; absent for a CPU-only service. */
  readonly gpu?: GpuClaims
}

/** A source that the relying party takes a service from. */
export interface AciSource {
  readonly repoUrl: string
  readonly repoCommit: string
}

/** What a relying party brings to an ACI report. */
export interface AciContext extends DialectContext {
  /**
   * 64 lowercase hex characters of its own making. There is no value for a report without one: such a report is
   * good for nothing that has to be fresh (attack C1).
   */
  readonly nonce: string
  /** The connection or key that is going to be used (id-6). */
  readonly channel: AciChannel
  /** Sources whose builds the policy's compose files were reviewed from; an image digest is compared by itself. */
  readonly sources: readonly AciSource[]
}

/** A judged ACI report. */
export type AciReportJudgement = JudgedReport<AciCheckName, AciClaims>

/**
 * Judges the answer of `GET /v1/aci/attestation?nonce=` of a service under dstack.
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export async function verifyAciReport(
  text: string,
  context: AciContext,
): Promise<AciReportJudgement> {
  const report = parseAciReport(text)
  const keysetDigest = aciKeysetDigest(report.keyset.value)
  const nonce: unknown = context.nonce
  // A caller without types must not get the report that is fresh for nobody.
  if (typeof nonce !== 'string') throw new ProtocolError('INPUT_HEX', 'nonce: expected text')
  const expected = aciReportData(keysetDigest, nonce)
  return judgeQuote(
    report.quote,
    context,
    [...MACHINE_CHECKS, ...OWN_CHECKS],
    async (quote, at) => {
      const { policy, channel, sources } = context
      const machine = checkMachine(quote, report.machine, policy)
      const custody = { policy: policy.keyCustody, at }
      // The statement's own digest is the GPU nonce: this keyset, this challenge (docs/protocol.md §11).
      const gpuNonce = expected.subarray(0, 32)
      const read = (): readonly GpuDeviceEvidence[] =>
        devicesOfPayloads(report, toBareHex(gpuNonce))
      const gpu = await checkDialectDevices(read, gpuNonce, context, at, [RELAY_NOT_EXCLUDED])
      const checks: readonly Check<ContentCheckName>[] = [
        ...machine.checks,
        checkRestated(report, keysetDigest, quote.body.reportData),
        checkReportData(quote.body.reportData, expected),
        checkAciKeyset(report.keyset, at),
        checkProvenance(report, sources),
        await checkAciCustody(report.keyset, report.custody, machine.platform, custody),
        checkChannel(report.keyset, channel),
        gpu.check,
      ]
      const { keyset, serving: statedServing } = report
      const { composeHash } = machine
      const provenance = corroborated(report.provenance, sources)
      const claims = {
        keysetDigest,
        keyset,
        composeHash,
        provenance,
        statedServing,
        ...(gpu.claims === undefined ? {} : { gpu: gpu.claims }),
      }
      return { checks, claims, gpuTier: gpu.claims?.tier }
    },
  )
}

/** `aci-report`: the version and what is said twice. Nothing restated is used (attack C12). */
function checkRestated(
  report: AciReport,
  keysetDigest: string,
  signed: Uint8Array,
): Check<'aci-report'> {
  const name = 'aci-report'
  const reportData = toBareHex(signed)
  const { quoteReportData } = report
  const said: readonly (readonly [string, string, string])[] = [
    ['api_version', ACI_VERSION, report.apiVersion],
    ['tee_type', 'tdx', report.teeType],
    ['workload_keyset_digest', keysetDigest, report.keysetDigest],
    ['report_data', reportData.slice(0, 64), report.reportData],
    ['quote_report_data', reportData, quoteReportData?.replace(/^0x/, '') ?? reportData],
  ]
  const wrong = said.find(([, expected, actual]) => expected !== actual)
  if (wrong === undefined) return passed(name, { apiVersion: ACI_VERSION })
  const [what, expected, actual] = wrong
  return failed(name, `${what} ${expected}`, actual)
}

/** `report-data`: SHA-256 of the statement over this very keyset and nonce, then zeros (id-1, id-2; C1, C4, C5). */
function checkReportData(signed: Uint8Array, expected: Uint8Array): Check<'report-data'> {
  return equalBytes(signed, expected)
    ? passed('report-data', { reportData: toHex(signed) })
    : failed('report-data', toHex(expected), toHex(signed))
}

/**
 * `source-provenance`: an image that stands in the measured compose file, or a source the relying party named, whose
 * builds it takes. What is only claimed satisfies nothing (id-4).
 */
function checkProvenance(
  { provenance, machine }: AciReport,
  sources: readonly AciSource[],
): Check<'source-provenance'> {
  const name = 'source-provenance'
  const { repoUrl, repoCommit, imageDigest } = provenance
  if (imageDigest !== null) {
    const isDigest = /^sha256:[0-9a-f]{64}$/.test(imageDigest)
    return isDigest && decodeUtf8(machine.appCompose).includes(`@${imageDigest}`)
      ? passed(name, { imageDigest, corroborated: 'by the measured compose file' })
      : failed(name, 'an image of the measured compose file', imageDigest)
  }
  return isNamedSource(provenance, sources)
    ? passed(name, { repoUrl, repoCommit, corroborated: 'by the policy over the compose file' })
    : failed(name, 'an image digest, or a named source', `${repoUrl ?? 'none'} ${repoCommit ?? ''}`)
}

function isNamedSource(
  { repoUrl, repoCommit }: AciProvenance,
  sources: readonly AciSource[],
): boolean {
  return sources.some((source) => source.repoUrl === repoUrl && source.repoCommit === repoCommit)
}

/** Neither quote nor keyset covers what a report says of its sources: beside an image it is anybody's text. */
function corroborated(provenance: AciProvenance, sources: readonly AciSource[]): AciProvenance {
  return isNamedSource(provenance, sources)
    ? provenance
    : { ...provenance, repoUrl: null, repoCommit: null }
}
