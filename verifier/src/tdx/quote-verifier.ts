import { VerifierError } from '../errors.ts'
import { objection, passed, skipped, type Check } from '../report/check.ts'
import { P256Verifier, type P256Backend } from '../x509/p256.ts'
import { PckChains, type PckChain } from './check-pck-chain.ts'
import { checkQeReportBinding, checkQuoteSignature, QeReports } from './check-quote.ts'
import type { QuoteCollateral } from './collateral/quote-collateral.ts'
import {
  isJudged,
  judgeCollateral,
  requireStillInForce,
  type JudgedCollateral,
  type Outcome,
} from './collateral/verified-collateral.ts'
import { requireNotRevoked } from './collateral/verify-collateral.ts'
import { parseQuote } from './parse-quote.ts'
import { Certificates } from './issuance.ts'
import type { Quote } from './quote.ts'
import type { QuoteCheckName, QuoteReport } from './quote-report.ts'
import {
  requireModule,
  requireQuotingEnclave,
  requireSamePlatform,
} from './tcb/check-components.ts'
import { evaluateQuoteTcb, type QuoteTcb } from './tcb/evaluate-tcb.ts'
import { assertTrustAnchor, type TrustAnchor } from './trust-anchor.ts'

/** Latest time taken, in Unix milliseconds: who hands in microseconds, or milliseconds as seconds, is told so. */
const MAX_TIME_MS = 1e14

/** What a verifier computes with. */
export interface QuoteVerifierOptions {
  /** Web Crypto by default; `nodeP256` of `@jeju/verifier/node` is faster there. */
  readonly signatures?: P256Backend
}

/**
 * Judges whether quotes are genuine, under one trust anchor. Keeps what it has verified of a platform (keys, chains,
 * QE reports), so that the next quote of the same one costs one signature; dates and revocation are asked every time.
 */
export class QuoteVerifier {
  readonly trustAnchor: TrustAnchor
  readonly #keys: P256Verifier
  readonly #certificates: Certificates
  readonly #chains: PckChains
  readonly #qeReports: QeReports

  /** @throws VerifierError `TRUST_ANCHOR_INVALID` */
  constructor(trustAnchor: TrustAnchor, { signatures }: QuoteVerifierOptions = {}) {
    assertTrustAnchor(trustAnchor)
    this.trustAnchor = trustAnchor
    this.#keys = new P256Verifier(signatures)
    this.#certificates = new Certificates(this.#keys)
    this.#qeReports = new QeReports(this.#keys)
    this.#chains = new PckChains(trustAnchor, this.#certificates)
  }

  /**
   * Verifies collateral once, for many quotes. Parts that do not hold are remembered as such.
   * @throws VerifierError `TIME_INVALID`
   */
  async judgeCollateral(collateral: QuoteCollateral, at: Date): Promise<JudgedCollateral> {
    return judgeCollateral(collateral, this.trustAnchor, timeOf(at), this.#keys, this.#certificates)
  }

  /**
   * Whether a quote is genuine at `at`: every link from the pinned root to the TD report, and the TCB status.
   * @throws VerifierError on bytes that are no quote, collateral that is no bundle, a time that is none
   */
  async verify(
    given: Quote | Uint8Array,
    collateral: QuoteCollateral | JudgedCollateral | undefined,
    at: Date,
  ): Promise<QuoteReport> {
    const now = timeOf(at)
    // A copy: the caller may reuse the buffer while signatures are checked.
    const quote = given instanceof Uint8Array ? parseQuote(given.slice()) : given
    const { signature } = quote
    const [chain, judged, quoteSignature] = await Promise.all([
      this.#chains.check(signature.pckChainPem, now),
      this.#judged(collateral, now),
      checkQuoteSignature(quote, this.#keys),
    ])
    const qeSignature = await this.#qeReports.check(quote, chain.chain?.leaf)
    const checks: readonly Check<QuoteCheckName>[] = [
      quoteSignature,
      checkQeReportBinding(quote),
      qeSignature,
      chain.check,
    ]
    const endorsed = checkEndorsements(quote, chain.chain, judged, now)
    const all = [...checks, ...endorsed.checks]
    const { tcb } = endorsed
    const holds = all.every(({ status }) => status === 'passed')
    if (!holds || !chain.chain || !judged?.validity || !tcb) {
      return Object.freeze({ checks: all, genuine: undefined })
    }
    const { platform } = chain.chain
    const genuine = Object.freeze({ quote, platform, tcb, collateral: judged.validity })
    return Object.freeze({ checks: all, genuine })
  }

  #judged(
    collateral: QuoteCollateral | JudgedCollateral | undefined,
    now: number,
  ): Promise<JudgedCollateral | undefined> {
    if (collateral === undefined) return Promise.resolve(undefined)
    if (!isJudged(collateral)) {
      return judgeCollateral(collateral, this.trustAnchor, now, this.#keys, this.#certificates)
    }
    if (collateral.anchor !== this.trustAnchor) {
      const message = 'collateral was judged under another anchor'
      throw new VerifierError('TRUST_ANCHOR_INVALID', message)
    }
    return Promise.resolve(collateral)
  }
}

/** One quote, one bundle: {@link QuoteVerifier.verify} without anything kept. */
export async function verifyQuote(
  quote: Quote | Uint8Array,
  collateral: QuoteCollateral | undefined,
  context: { readonly at: Date; readonly trustAnchor: TrustAnchor },
): Promise<QuoteReport> {
  return new QuoteVerifier(context.trustAnchor).verify(quote, collateral, context.at)
}

/** Unix milliseconds of a time that is one. */
export function timeOf(at: Date): number {
  const time = at.getTime()
  if (!Number.isFinite(time) || time < 0 || time > MAX_TIME_MS) {
    throw new VerifierError('TIME_INVALID', 'at: not a time')
  }
  return time
}

interface Endorsed {
  readonly checks: readonly Check<QuoteCheckName>[]
  readonly tcb: QuoteTcb | undefined
}

/** What Intel says of platform, module and quoting enclave. */
function checkEndorsements(
  quote: Quote,
  chain: PckChain | undefined,
  judged: JudgedCollateral | undefined,
  now: number,
): Endorsed {
  const names = ['pck-revocation', 'tcb-info', 'qe-identity', 'tdx-module', 'tcb-status'] as const
  const skipAll = (because: string): Endorsed => ({
    checks: names.map((name) => skipped(name, because)),
    tcb: undefined,
  })
  if (judged === undefined) return skipAll('no collateral was given')
  if (chain === undefined) return skipAll('there is no PCK chain')
  const { revocations, tcbInfo, qeIdentity } = judged

  const revocation = made('pck-revocation', revocations, ({ rootCrl, pckCrl }) => {
    requireStillInForce(judged, now)
    requireNotRevoked(chain.leaf, pckCrl, 'PCK_REVOKED')
    requireNotRevoked(chain.intermediate, rootCrl, 'PCK_CA_REVOKED')
    return { pckCrl: new Date(pckCrl.thisUpdate).toISOString(), entries: pckCrl.revoked.size }
  })
  const info = made('tcb-info', tcbInfo, ({ content }) => {
    requireSamePlatform(chain.platform, content)
    const { fmspc, tcbEvaluationDataNumber } = content
    return { fmspc, tcbEvaluationDataNumber, issued: new Date(content.issueDate).toISOString() }
  })
  const identity = made('qe-identity', qeIdentity, ({ content }) => {
    requireQuotingEnclave(quote.signature.qeReport, content)
    return { mrSigner: content.mrSigner, issued: new Date(content.issueDate).toISOString() }
  })
  if (info.status !== 'passed' || !tcbInfo.value) {
    const because = 'there is no TCB info for this platform'
    const rest = [skipped('tdx-module', because), skipped('tcb-status', because)]
    return { checks: [revocation, info, identity, ...rest], tcb: undefined }
  }
  const module = made('tdx-module', tcbInfo, ({ content }) => {
    requireModule(quote.body, content)
    return { version: quote.body.teeTcbSvn[1] ?? 0 }
  })
  if (module.status !== 'passed' || identity.status !== 'passed' || !qeIdentity.value) {
    const status = skipped('tcb-status', 'module or quoting enclave is not the one described')
    return { checks: [revocation, info, identity, module, status], tcb: undefined }
  }
  const inputs = {
    platform: chain.platform,
    tcbInfo: tcbInfo.value.content,
    qeIdentity: qeIdentity.value.content,
  }
  let tcb: QuoteTcb | undefined
  const status = made('tcb-status', tcbInfo, () => {
    tcb = evaluateQuoteTcb(quote, inputs)
    const { status: found, advisoryIds, tcbDate } = tcb
    return { status: found, advisoryIds, tcbDate: new Date(tcbDate).toISOString() }
  })
  return { checks: [revocation, info, identity, module, status], tcb }
}

/** A check that rests on a part of the collateral: what the part objected to, or what the rule does. */
function made<Name extends QuoteCheckName, Value>(
  name: Name,
  part: Outcome<Value>,
  rule: (value: Value) => Readonly<Record<string, unknown>>,
): Check<Name> {
  try {
    if (part.failure !== undefined) throw part.failure
    return passed(name, rule(part.value))
  } catch (error) {
    return objection(name, error)
  }
}
