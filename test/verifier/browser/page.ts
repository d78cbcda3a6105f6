import { intelTrustAnchor, simulatedTrustAnchor } from '@jeju/verifier'
import { GpuVerifier, simulatedGpuTrustAnchor, type GpuPolicy } from '@jeju/verifier/gpu'
import { decodeGpuEvidence, fromBareHex } from '@jeju/verifier/protocol'
import { judge } from '../tdx/judge.ts'
import type { Expectation } from '../tdx/recorded.ts'
import { checkEventLog } from './entry-quotes.ts'

/** What runs in the page: nothing but JSON goes in and out. */

/** One verification; bytes in bare hex. */
export interface PageCase {
  readonly quote: string
  readonly bundle: unknown
  /** DER of a simulated root; Intel's own without it. */
  readonly simulatedRoot?: string
  /** Unix milliseconds. */
  readonly at: number
}

export interface PageOutcome {
  readonly found: Expectation
  /** Names of the checks that failed. */
  readonly failed: readonly string[]
}

/** One verification of GPUs; bytes in bare hex. */
export interface PageGpuCase {
  readonly evidence: string
  readonly deviceRoot: string
  readonly rimRoot: string
  readonly nonce: string
  readonly policy: GpuPolicy
  /** Unix milliseconds. */
  readonly at: number
}

declare global {
  var judgeGpu: (given: PageGpuCase) => Promise<readonly string[]>
  var judgeCase: (given: PageCase) => Promise<PageOutcome>
  var replayLog: (eventLog: string, rtmr3: string) => string
}

globalThis.judgeCase = async ({ quote, bundle, simulatedRoot, at }) => {
  const trustAnchor =
    simulatedRoot === undefined
      ? intelTrustAnchor()
      : simulatedTrustAnchor('page', fromBareHex(simulatedRoot))
  const context = { trustAnchor, at: new Date(at) }
  const { found, report } = await judge(fromBareHex(quote), bundle, context)
  const checks = report?.checks ?? []
  return { found, failed: checks.filter((c) => c.status === 'failed').map(({ name }) => name) }
}

globalThis.judgeGpu = async ({ evidence, deviceRoot, rimRoot, nonce, policy, at }) => {
  const roots = { deviceRoot: fromBareHex(deviceRoot), rimRoot: fromBareHex(rimRoot) }
  const verifier = new GpuVerifier(simulatedGpuTrustAnchor('page', roots))
  const { checks } = await verifier.verify(decodeGpuEvidence(fromBareHex(evidence)), {
    at: new Date(at),
    policy,
    nonce: fromBareHex(nonce),
    devicesDigest: 'any',
  })
  return checks.filter(({ status }) => status !== 'passed').map(({ name }) => name)
}

globalThis.replayLog = (eventLog, rtmr3) => checkEventLog(eventLog, fromBareHex(rtmr3)).check.status
