import { toBareHex } from '../../bytes/hex.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { SvnLevel } from '../collateral/levels.ts'
import type { PlatformLevel, TcbInfo } from '../collateral/tcb-info.ts'
import type { QeIdentity } from '../collateral/qe-identity.ts'
import type { PckPlatform } from '../sgx-extension.ts'
import type { Quote } from '../quote.ts'
import type { PlatformStatus, TcbLevel, TcbStatus } from './tcb-status.ts'

/** The TCB of a quote, as Intel's quote verification library finds it. */
export interface TcbEvaluation {
  readonly status: TcbStatus
  /** The least of the three level dates, Unix milliseconds. */
  readonly tcbDate: number
  /** Of platform, module and quoting enclave, each once, sorted. */
  readonly advisoryIds: readonly string[]
}

/** Converged status, and where it comes from. */
export interface QuoteTcb extends TcbEvaluation {
  /** The smaller number of TCB info and QE identity. */
  readonly tcbEvaluationDataNumber: number
  /** With the SVNs of now; TDX 1.5 and later. */
  readonly current: TcbEvaluation | undefined
}

/** Everything an evaluation depends on. */
export interface TcbInputs {
  readonly platform: PckPlatform
  readonly tcbInfo: TcbInfo
  readonly qeIdentity: QeIdentity
}

/**
 * Finds the TCB status of a quote (Intel's algorithm, with launch and current SVNs). The status has no default: what
 * matches no level is a failure, and so is anything revoked.
 * @throws CheckFailure
 */
export function evaluateQuoteTcb(quote: Quote, inputs: TcbInputs): QuoteTcb {
  const { teeTcbSvn, td15 } = quote.body
  const qe = qeLevel(quote, inputs.qeIdentity)
  const launch = evaluate(teeTcbSvn, qe, inputs)
  const current = td15 === undefined ? undefined : evaluate(td15.teeTcbSvn2, qe, inputs)
  const status = current === undefined ? launch.status : withRelaunch(launch, current)
  const { tcbInfo, qeIdentity } = inputs
  return {
    ...launch,
    status,
    current,
    tcbEvaluationDataNumber: Math.min(
      tcbInfo.tcbEvaluationDataNumber,
      qeIdentity.tcbEvaluationDataNumber,
    ),
  }
}

function evaluate(svns: Uint8Array, qe: SvnLevel, { platform, tcbInfo }: TcbInputs): TcbEvaluation {
  const levels: readonly TcbLevel<PlatformStatus>[] = [
    platformLevel(svns, platform, tcbInfo),
    qe,
    ...moduleLevel(svns, tcbInfo),
  ]
  if (levels.some(({ status }) => status === 'Revoked')) {
    throw new CheckFailure('TCB_REVOKED', 'no revoked level', 'Revoked')
  }
  const [{ status: platformStatus } = qe, ...components] = levels
  return {
    status: converge(platformStatus, components),
    tcbDate: Math.min(...levels.map(({ tcbDate }) => tcbDate)),
    advisoryIds: [...new Set(levels.flatMap(({ advisoryIds }) => advisoryIds))].toSorted(),
  }
}

/** Platform status with module and quoting enclave: an old part makes the whole old. */
function converge(
  platform: PlatformStatus,
  components: readonly TcbLevel<PlatformStatus>[],
): TcbStatus {
  const old = components.some(({ status }) => status === 'OutOfDate')
  switch (platform) {
    case 'UpToDate':
    case 'SWHardeningNeeded':
      return old ? 'OutOfDate' : platform
    case 'ConfigurationNeeded':
    case 'ConfigurationAndSWHardeningNeeded':
      return old ? 'OutOfDateConfigurationNeeded' : platform
    case 'OutOfDate':
    case 'OutOfDateConfigurationNeeded':
      return platform
    case 'Revoked':
      throw new CheckFailure('TCB_REVOKED', 'no revoked level', 'Revoked')
  }
}

/** A TD launched under an old module, which is new by now: launching it again would mend it. */
function withRelaunch(launch: TcbEvaluation, current: TcbEvaluation): TcbStatus {
  const isOld = launch.status === 'OutOfDate' || launch.status === 'OutOfDateConfigurationNeeded'
  const wasOld = current.status === 'OutOfDate' || current.status === 'OutOfDateConfigurationNeeded'
  if (!isOld || wasOld) return launch.status
  const needsConfiguration =
    launch.status === 'OutOfDateConfigurationNeeded' ||
    current.status === 'ConfigurationNeeded' ||
    current.status === 'ConfigurationAndSWHardeningNeeded'
  return needsConfiguration ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised'
}

/** TEE_TCB_SVN: the module's ISVSVN and its major version, then the components. */
function moduleVersion(svns: Uint8Array): number {
  return svns[1] ?? 0
}

function platformLevel(
  svns: Uint8Array,
  platform: PckPlatform,
  { tcbLevels }: TcbInfo,
): PlatformLevel {
  // With an identity of its own, the module is judged by it and not by components 0 and 1.
  const from = moduleVersion(svns) > 0 ? 2 : 0
  const level = tcbLevels.find(
    ({ sgxComponents, pceSvn, tdxComponents }) =>
      sgxComponents.every((svn, index) => svn <= (platform.components[index] ?? -1)) &&
      pceSvn <= platform.pceSvn &&
      tdxComponents.every((svn, index) => index < from || svn <= (svns[index] ?? -1)),
  )
  if (level !== undefined) return level
  throw new CheckFailure(
    'TCB_NOT_SUPPORTED',
    `one of ${tcbLevels.length} TCB levels`,
    `SGX ${platform.components.join()}, PCE ${platform.pceSvn}, TDX ${Array.from(svns).join()}`,
  )
}

/** Level of the module's identity; none in the scheme of TDX 1.0. */
function moduleLevel(svns: Uint8Array, tcbInfo: TcbInfo): readonly SvnLevel[] {
  if (moduleVersion(svns) === 0) return []
  const [isvSvn = 0] = svns
  const identity = findModuleIdentity(svns, tcbInfo)
  const level = identity.tcbLevels.find((candidate) => candidate.isvSvn <= isvSvn)
  if (level !== undefined) return [level]
  const expected = `a level of ${identity.id}`
  throw new CheckFailure('TDX_MODULE_TCB_NOT_SUPPORTED', expected, `ISVSVN ${isvSvn}`)
}

/** The identity of that major version, for SVNs that have one. @throws CheckFailure */
export function findModuleIdentity(
  svns: Uint8Array,
  { tdxModuleIdentities }: TcbInfo,
): TcbInfo['tdxModuleIdentities'][number] {
  const id = `TDX_${toBareHex(Uint8Array.of(moduleVersion(svns))).toUpperCase()}`
  const identity = tdxModuleIdentities.find((candidate) => candidate.id === id)
  if (identity !== undefined) return identity
  const known = tdxModuleIdentities.map((candidate) => candidate.id).join(', ')
  throw new CheckFailure('TDX_MODULE_UNKNOWN', `module ${id}`, `identities: ${known}`)
}

function qeLevel({ signature }: Quote, { tcbLevels }: QeIdentity): SvnLevel {
  const { isvSvn } = signature.qeReport
  const level = tcbLevels.find((candidate) => candidate.isvSvn <= isvSvn)
  if (level !== undefined) return level
  throw new CheckFailure('QE_TCB_NOT_SUPPORTED', 'a level of TD_QE', `ISVSVN ${isvSvn}`)
}
