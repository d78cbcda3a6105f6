import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { checkBoot } from '../dstack/boot/check-boot.ts'
import { checkComposeHash } from '../dstack/check-compose.ts'
import { checkEventLog } from '../dstack/check-event-log.ts'
import { checkMrConfigId } from '../dstack/check-mr-config-id.ts'
import { checkComposeRules } from '../dstack/compose/appraise-compose.ts'
import { parseEventLog } from '../dstack/event-log.ts'
import type { RuntimeEvent } from '../dstack/runtime-events.ts'
import type { AppraisalPolicy } from '../policy/policy.ts'
import { skipped, type Check } from '../report/check.ts'
import { checkTdAttributes } from '../tdx/check-td-attributes.ts'
import type { Quote } from '../tdx/quote.ts'

/** The checks of the machine and of what runs on it, whatever its report data says (docs/protocol.md §4). */
export const MACHINE_CHECKS = [
  'td-attributes',
  'event-log',
  'compose-hash',
  'mr-config-id',
  'compose-allowed',
  'os-image-allowed',
] as const

/** One of {@link MACHINE_CHECKS}. */
export type MachineCheckName = (typeof MACHINE_CHECKS)[number]

/** What a quote's registers are read with, as it was served. */
export interface MachineEvidence {
  readonly eventLog: string
  /** Exact bytes. */
  readonly appCompose: Uint8Array
  readonly vmConfig: string
}

/** The checks and, only where the log replayed, the events that may be given a meaning. */
export interface CheckedMachine {
  readonly checks: readonly Check<MachineCheckName>[]
  readonly platform: readonly RuntimeEvent[] | undefined
  readonly composeHash: Hex
}

/** Judges the registers of a genuine quote. */
export function checkMachine(
  { body }: Quote,
  evidence: MachineEvidence,
  policy: AppraisalPolicy,
): CheckedMachine {
  const { eventLog, appCompose, vmConfig } = evidence
  const [rtmr0, rtmr1, rtmr2, rtmr3] = body.rtmrs
  const log = checkEventLog(eventLog, rtmr3, [rtmr0, rtmr1, rtmr2])
  const compose = checkComposeHash(appCompose, log.platform)
  const checks = [
    checkTdAttributes(body),
    log.check,
    compose,
    checkMrConfigId(body.mrConfigId, appCompose, { platform: log.platform, document: undefined }),
    compose.status === 'passed'
      ? checkComposeRules(appCompose, policy)
      : skipped('compose-allowed', 'the compose file is not the measured one'),
    checkBoot({ mrtd: body.mrTd, rtmr0, rtmr1, rtmr2 }, policy, {
      vmConfig,
      // Digests of a log that does not replay are nobody's word.
      log: log.platform === undefined ? [] : parseEventLog(eventLog),
    }),
  ]
  return { checks, platform: log.platform, composeHash: toHex(sha256(appCompose)) }
}
