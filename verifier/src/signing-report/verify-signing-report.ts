import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex, toBareHex, toHex } from '../bytes/hex.ts'
import { keccak256 } from '../bytes/hash.ts'
import { checkDialectDevices, RELAY_NOT_EXCLUDED } from '../dialect/check-devices.ts'
import { devicesOfPayloads } from '../dialect/device-items.ts'
import { judgeQuote, type DialectContext, type QuoteFirst } from '../dialect/judge-quote.ts'
import type { GpuClaims } from '../gpu/gpu-report.ts'
import { checkMachine, MACHINE_CHECKS, type MachineCheckName } from '../machine/check-machine.ts'
import { signingReportData } from '../protocol/dialects/signing-report-data.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../report/check.ts'
import type { JudgedReport } from '../report/conclude.ts'
import { parseSigningReport, type SigningReport } from './report.ts'

const OWN_CHECKS = ['signing-identity', 'report-data', 'gpu-evidence'] as const

type ContentCheckName = MachineCheckName | (typeof OWN_CHECKS)[number]

/** One check of a report of the vllm-proxy dialect. */
export type SigningCheckName = QuoteFirst | ContentCheckName

/** What a verified report of the dialect says. */
export interface SigningClaims {
  readonly signingAlgo: 'ecdsa' | 'ed25519'
  /** Address (`ecdsa`) with `0x`, or bare hex of the public key (`ed25519`), lowercase. */
  readonly signingAddress: string
  /** SHA-256 of the SubjectPublicKeyInfo, bare hex; undefined where TLS was not asked for. */
  readonly tlsSpkiSha256: string | undefined
  /** What was proven of GPUs; absent for a CPU-only node. */
  readonly gpu?: GpuClaims
}

/** What a relying party brings to such a report. */
export interface SigningContext extends DialectContext {
  /** 64 lowercase hex characters of its own making. */
  readonly nonce: string
  readonly signingAlgo: 'ecdsa' | 'ed25519'
  /**
   * The key seen on the very connection (SHA-256 of the SubjectPublicKeyInfo, bare hex), or `unbound`. Whoever asks
   * for the binding never gets the layout without it (attack C10).
   */
  readonly tls: 'unbound' | { readonly spkiSha256: string }
}

/** A judged report of the vllm-proxy dialect. */
export type SigningReportJudgement = JudgedReport<SigningCheckName, SigningClaims>

/**
 * Judges the answer of `GET /v1/attestation/report` (vllm-proxy, NEAR, RedPill). Half of its report data is the raw
 * nonce: it is a proof of this dialect alone.
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export async function verifySigningReport(
  text: string,
  context: SigningContext,
): Promise<SigningReportJudgement> {
  const report = parseSigningReport(text)
  const names = [...MACHINE_CHECKS, ...OWN_CHECKS]
  return judgeQuote(report.quote, context, names, async (quote, at) => {
    const { policy, tls, nonce } = context
    const machine = checkMachine(quote, report.machine, policy)
    const identity = readIdentity(report, context.signingAlgo)
    const bound = checkReportData(quote.body.reportData, identity.bytes, report, context)
    // This dialect's GPU nonce is the caller's own.
    const read = (): readonly GpuDeviceEvidence[] => devicesOfPayloads(report, nonce)
    const challenge = fromBareHex(nonce)
    const gpu = await checkDialectDevices(read, challenge, context, at, [RELAY_NOT_EXCLUDED])
    const checks: readonly Check<ContentCheckName>[] = [
      ...machine.checks,
      identity.check,
      bound,
      gpu.check,
    ]
    const claims =
      identity.bytes === undefined
        ? undefined
        : {
            signingAlgo: context.signingAlgo,
            signingAddress: report.signingAddress.toLowerCase(),
            tlsSpkiSha256: tls === 'unbound' ? undefined : tls.spkiSha256,
            ...(gpu.claims === undefined ? {} : { gpu: gpu.claims }),
          }
    return { checks, claims, gpuTier: gpu.claims?.tier }
  })
}

interface Identity {
  readonly check: Check<'signing-identity'>
  readonly bytes: Uint8Array | undefined
}

/** `signing-identity`: of the algorithm asked for, well formed, and the one of the public key beside it. */
function readIdentity(report: SigningReport, algo: 'ecdsa' | 'ed25519'): Identity {
  const name = 'signing-identity'
  const { signingAddress, signingAlgo, signingPublicKey } = report
  const refused = (expected: string, actual: string): Identity => ({
    check: failed(name, expected, actual.slice(0, 132)),
    bytes: undefined,
  })
  if (signingAlgo !== algo) return refused(algo, signingAlgo)
  const form = algo === 'ecdsa' ? /^0x[0-9a-fA-F]{40}$/ : /^[0-9a-f]{64}$/
  if (!form.test(signingAddress)) return refused(`an ${algo} identity`, signingAddress)
  const lower = signingAddress.toLowerCase()
  if (signingPublicKey !== null) {
    const derived = algo === 'ecdsa' ? addressOfPublicKey(signingPublicKey) : signingPublicKey
    if (derived !== lower) return refused(`the public key of ${lower}`, signingPublicKey)
  }
  const bytes = fromBareHex(lower.replace(/^0x/, ''))
  return { check: passed(name, { signingAddress: lower, signingAlgo: algo }), bytes }
}

/** Address of `x ‖ y`, with or without the `04` before it. */
function addressOfPublicKey(hex: string): string | undefined {
  const point = /^(?:04)?([0-9a-fA-F]{128})$/.exec(hex.replace(/^0x/, ''))?.[1]
  return point === undefined ? undefined : toHex(keccak256(fromBareHex(point)).subarray(12))
}

/** `report-data`: exactly the layout that was asked for, recomputed (attacks C4, C5, C10, C12). */
function checkReportData(
  signed: Uint8Array,
  identity: Uint8Array | undefined,
  { tlsFingerprint }: SigningReport,
  { nonce, tls }: SigningContext,
): Check<'report-data'> {
  const name = 'report-data'
  if (!/^[0-9a-f]{64}$/.test(nonce)) {
    throw new ProtocolError('INPUT_HEX', 'nonce: expected 64 lowercase hex characters')
  }
  if (identity === undefined) return failed(name, 'a signing identity', 'none')
  if (tls === 'unbound' && tlsFingerprint !== null) {
    return failed(name, 'the layout without a TLS key', `one with ${tlsFingerprint}`)
  }
  if (tls !== 'unbound' && tlsFingerprint !== tls.spkiSha256) {
    return failed(name, `TLS key ${tls.spkiSha256}`, tlsFingerprint ?? 'a layout without a TLS key')
  }
  const spkiSha256 = tls === 'unbound' ? undefined : fromBareHex(tls.spkiSha256, 32, 'spkiSha256')
  const expected = signingReportData({ identity, nonce: fromBareHex(nonce), spkiSha256 })
  return equalBytes(expected, signed)
    ? passed(name, { reportData: toBareHex(signed) })
    : failed(name, toBareHex(expected), toBareHex(signed))
}
