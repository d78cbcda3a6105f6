import { toHex, type Hex } from '../../bytes/hex.ts'
import { checkComposeHash } from '../../dstack/check-compose.ts'
import { checkMrConfigId } from '../../dstack/check-mr-config-id.ts'
import type { RuntimeEvent } from '../../dstack/runtime-events.ts'
import {
  parseQuote,
  QuoteVerifier,
  type Quote,
  type QuoteCollateral,
  type QuotePolicy,
  type TrustAnchor,
} from '../../index.ts'
import { nodeP256 } from '../../node/index.ts'
import { skipped, type Check } from '../../report/check.ts'
import { firstFailure, type ReportedCheck } from '../fault.ts'
import { quoteResult, type QuoteResult } from '../tdx/case-result.ts'
import type { CliVerdict } from '../verdict.ts'
import type { Capture } from './capture.ts'
import { readableLog, type ReadableLog } from './readable-event.ts'

/** What a capture is judged with. */
export interface CaptureContext {
  readonly at: Date
  readonly anchor: TrustAnchor
  readonly collateral: QuoteCollateral | undefined
  readonly policy: QuotePolicy
}

/** The registers a relying party compares. */
interface Registers {
  readonly mrtd: Hex
  readonly rtmr0: Hex
  readonly rtmr1: Hex
  readonly rtmr2: Hex
  readonly rtmr3: Hex
  readonly mrConfigId: Hex
  readonly reportData: Hex
}

/** What is said of a capture. */
export interface CaptureResult extends Omit<QuoteResult, 'verdict'> {
  readonly verdict: Extract<CliVerdict, 'accepted' | 'incomplete' | 'rejected'>
  readonly registers: Registers
  /** Null where the log was not replayed: then its events are what somebody wrote, and nothing more. */
  readonly events: ReadableLog | null
  /** As the host states it. */
  readonly vmConfig: string | null
}

/** Judges a capture: the quote, then the log it covers, then what the log says. @throws VerifierError, ProtocolError */
export async function judgeCapture(
  capture: Capture,
  { at, anchor, collateral, policy }: CaptureContext,
): Promise<CaptureResult> {
  const quote = parseQuote(capture.quote)
  const report = await new QuoteVerifier(anchor, { signatures: nodeP256 }).verify(
    quote,
    collateral,
    at,
  )
  const result = quoteResult(quote, report, policy, at)
  const isForged = report.checks.some(({ status }) => status === 'failed')
  // Nothing below a quote that does not hold means anything (attack B6).
  const contents = isForged ? NOT_LOOKED_AT : checkContents(quote, capture)
  const checks: readonly ReportedCheck[] = [...report.checks, ...contents]
  const isReplayed = contents.some(
    ({ name, status }) => name === 'event-log' && status === 'passed',
  )
  return {
    ...result,
    verdict: verdictOf(checks),
    code: firstFailure(checks),
    checks,
    registers: registersOf(quote),
    events: isReplayed && capture.log ? readableLog(capture.log.events()) : null,
    vmConfig: capture.vmConfig ?? null,
  }
}

type ContentCheck = Check<'event-log' | 'compose-hash' | 'mr-config-id'>

const CONTENT_CHECKS = ['event-log', 'compose-hash', 'mr-config-id'] as const
const NOT_LOOKED_AT = CONTENT_CHECKS.map((name) => skipped(name, 'the quote is not genuine'))

function checkContents(quote: Quote, capture: Capture): readonly ContentCheck[] {
  const { rtmrs, mrConfigId } = quote.body
  const [rtmr0, rtmr1, rtmr2, rtmr3] = rtmrs
  const log = capture.log?.replay(rtmr3, [rtmr0, rtmr1, rtmr2])
  return [
    log?.check ?? skipped('event-log', 'the capture holds no event_log'),
    ...checkCompose(mrConfigId, capture, log?.platform),
  ]
}

function checkCompose(
  mrConfigId: Uint8Array,
  { appCompose, mrConfig }: Capture,
  platform: readonly RuntimeEvent[] | undefined,
): readonly ContentCheck[] {
  if (appCompose === undefined) {
    const because = 'the capture holds no app_compose'
    return [skipped('compose-hash', because), skipped('mr-config-id', because)]
  }
  return [
    checkComposeHash(appCompose, platform),
    checkMrConfigId(mrConfigId, appCompose, { platform, document: mrConfig }),
  ]
}

function verdictOf(checks: readonly ReportedCheck[]): CaptureResult['verdict'] {
  if (checks.some(({ status }) => status === 'failed')) return 'rejected'
  return checks.every(({ status }) => status === 'passed') ? 'accepted' : 'incomplete'
}

function registersOf({ body }: Quote): Registers {
  const [rtmr0, rtmr1, rtmr2, rtmr3] = body.rtmrs
  return {
    mrtd: toHex(body.mrTd),
    rtmr0: toHex(rtmr0),
    rtmr1: toHex(rtmr1),
    rtmr2: toHex(rtmr2),
    rtmr3: toHex(rtmr3),
    mrConfigId: toHex(body.mrConfigId),
    reportData: toHex(body.reportData),
  }
}
