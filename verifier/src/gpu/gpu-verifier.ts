import { byteKey } from '../bytes/byte-key.ts'
import { fromHex, toBareHex, type Hex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import { VerifierError } from '../errors.ts'
import { CertificateStore } from '../pki/certificates.ts'
import type { GpuEvidence } from '../protocol/gpu-evidence.ts'
import { CheckFailure } from '../report/check-failure.ts'
import { skipped, type Check } from '../report/check.ts'
import { P384_PROFILE } from '../x509/ecdsa-profile.ts'
import { P384Verifier, type P384Backend } from '../x509/p384.ts'
import { bothAppraisals, noAppraisal, type Appraisal } from './appraisal.ts'
import { checkSet, find } from './check-each.ts'
import { genuineDevices, placesOf, type Means } from './genuine-devices.ts'
import { gpuDevicesDigest } from './device/device-identity.ts'
import type { KnownDevice } from './device/known-device.ts'
import type { GpuPolicy } from './gpu-policy.ts'
import {
  APPRAISAL_CHECKS,
  GPU_CHECKS,
  NOT_PROVEN,
  type GpuCheckName,
  type GpuReport,
} from './gpu-report.ts'
import { assertGpuTrustAnchor, type GpuTrustAnchor } from './gpu-trust-anchor.ts'
import { appraiseLocally } from './local/appraise-locally.ts'
import type { NrasAppraiser } from './nras/appraise-by-nras.ts'
import { assertNrasAppraiser } from './nras/made-appraisers.ts'
import { parseOcspResponse, type OcspResponse } from './ocsp/ocsp-response.ts'
import { MAX_RIM_BYTES, verifyRim, type VerifiedRim } from './rim/verify-rim.ts'
import { requireAllowed } from './set/check-allowed.ts'
import { requireOneSet } from './set/check-set.ts'
import { requireTopology } from './set/topology.ts'

const MAX_KEPT_RIMS = 64
/** What a verifier computes with. */
export interface GpuVerifierOptions {
  /** Web Crypto by default; `nodeP384` of `@jeju/verifier/node` is faster there. */
  readonly signatures?: P384Backend
  /** Who reads tokens of NVIDIA's service, where a policy asks for them. */
  readonly nras?: NrasAppraiser
}

/** Answers of NVIDIA's service, and who reads them; without the one or the other it has said nothing. */
export interface NrasWord {
  readonly answers: readonly string[]
  readonly appraiser?: NrasAppraiser | undefined
}

/** Everything a verification of GPU evidence depends on beside the evidence. Nothing is fetched and no clock is read. */
export interface GpuContext {
  readonly at: Date
  readonly policy: GpuPolicy
  /** What every report must answer, 32 bytes. */
  readonly nonce: Uint8Array
  /** `gpuDevicesDigest` of the statement; `any` where there is none. */
  readonly devicesDigest: Hex | 'any'
  /** RIMs and OCSP answers that somebody fetched, instead of those of the evidence, whose vintage the node chose. */
  readonly collateral?: {
    readonly rims?: ReadonlyMap<string, Uint8Array>
    readonly ocsp?: readonly Uint8Array[]
    /** The nonce that was sent to the OCSP service, where one was. */
    readonly ocspNonce?: Uint8Array
    readonly nras?: NrasWord
  }
  /** Evidence known to be history: NVIDIA's sample nonce is then a nonce like any other. */
  readonly isRecorded?: boolean
}

/**
 * Judges evidence of GPUs and switches under one trust anchor. Keeps what it has verified of certificates and RIMs;
 * dates, status and everything about a report are asked every time.
 */
export class GpuVerifier {
  readonly trustAnchor: GpuTrustAnchor
  readonly #means: Means
  readonly #nras: NrasAppraiser | undefined
  readonly #rims = new Recent<Promise<VerifiedRim>>(MAX_KEPT_RIMS)

  /** @throws VerifierError `TRUST_ANCHOR_INVALID` */
  constructor(trustAnchor: GpuTrustAnchor, { signatures, nras }: GpuVerifierOptions = {}) {
    assertGpuTrustAnchor(trustAnchor)
    assertNrasAppraiser(nras)
    this.trustAnchor = trustAnchor
    const keys = new P384Verifier(signatures)
    const store = new CertificateStore(keys, P384_PROFILE)
    this.#means = { anchor: trustAnchor, keys, store }
    this.#nras = nras
  }

  /**
   * Every check of {@link GPU_CHECKS}. Below a signature that does not hold nothing is looked at; beside one check that
   * fails the others are made, so that the report says all that is wrong.
   * @throws VerifierError `TIME_INVALID`
   */
  async verify(evidence: GpuEvidence, context: GpuContext): Promise<GpuReport> {
    if (!Number.isFinite(context.at.getTime())) {
      throw new VerifierError('TIME_INVALID', 'at: not a time')
    }
    const at = new Date(context.at.getTime())
    const { devices } = evidence
    const places = placesOf(devices)
    const genuine = await genuineDevices(devices, places, { ...context, at }, this.#means)
    if (genuine.known === undefined) return concluded(genuine.checks, undefined)
    const { known } = genuine
    const nras = context.collateral?.nras ?? { answers: evidence.nras ?? [], appraiser: this.#nras }
    const appraisal = await this.#appraise(known, places, evidence, { ...context, at }, nras)
    const checks = [...genuine.checks, ...appraisal, ...setChecks(known, context)]
    return concluded(checks, () => this.#claims(known, context.policy, nras))
  }

  async #appraise(
    known: readonly KnownDevice[],
    places: readonly string[],
    evidence: GpuEvidence,
    context: GpuContext,
    nras: NrasWord,
  ): Promise<Appraisal> {
    const { policy } = context
    if (policy.appraisal === 'local') return this.#locally(known, places, evidence, context)
    const byNras = await byService(known, places, nras, context)
    if (policy.appraisal === 'nras') return byNras
    return bothAppraisals(await this.#locally(known, places, evidence, context), byNras)
  }

  async #locally(
    known: readonly KnownDevice[],
    places: readonly string[],
    evidence: GpuEvidence,
    { policy, at, collateral = {} }: GpuContext,
  ): Promise<Appraisal> {
    const rims = collateral.rims ?? evidence.rims
    const answers = await find(
      () => (collateral.ocsp ?? evidence.ocsp ?? []).map(parseOcspResponse),
      'OCSP_INVALID',
    )
    if (answers.failure !== undefined) {
      return noAppraisal(APPRAISAL_CHECKS, 'gpu-revocation', answers.failure)
    }
    const responses: readonly OcspResponse[] = answers.value
    const asked = new Map<string, Promise<VerifiedRim>>()
    return appraiseLocally(known, places, {
      policy,
      ocsp: {
        responses,
        required: policy.ocsp === 'required',
        nonce: collateral.ocspNonce,
        at: at.getTime(),
      },
      ...this.#means,
      rim: (id) => {
        // Devices of a machine share their RIMs: each document is looked up once.
        const found = asked.get(id) ?? this.#rim(id, rims?.get(id))
        asked.set(id, found)
        return found
      },
    })
  }

  /** A RIM is verified once; whether its signer is in date is asked every time. @throws CheckFailure */
  async #rim(id: string, document: Uint8Array | undefined): Promise<VerifiedRim> {
    if (document === undefined) throw new CheckFailure('RIM_MISSING', `RIM ${id}`, 'none')
    const { keys, store } = this.#means
    // What is too large to be read is not kept either.
    if (document.length > MAX_RIM_BYTES) {
      return verifyRim(document, this.trustAnchor.rimRoot, store, keys)
    }
    const text = byteKey(document)
    const kept = this.#rims.get(text)
    if (kept !== undefined) return kept
    const verified = verifyRim(document, this.trustAnchor.rimRoot, store, keys)
    this.#rims.set(text, verified)
    return verified
  }

  #claims(
    known: readonly KnownDevice[],
    { appraisal }: GpuPolicy,
    { appraiser }: NrasWord,
  ): GpuReport['claims'] {
    const tiers = [
      this.trustAnchor.tier,
      ...(appraisal === 'local' ? [] : [appraiser?.service.tier]),
    ]
    const gpu = known.find(({ device }) => device.kind === 'gpu')
    return Object.freeze({
      tier: tiers.every((tier) => tier === 'nvidia') ? 'nvidia' : 'simulated',
      mode: gpu?.facts.mode ?? 'unknown',
      appraisal: appraisal === 'both' ? (['local', 'nras'] as const) : [appraisal],
      devices: known.map(({ device }) => device),
      notProven: NOT_PROVEN,
    })
  }
}

async function byService(
  known: readonly KnownDevice[],
  places: readonly string[],
  { answers, appraiser }: NrasWord,
  { nonce, policy, at }: GpuContext,
): Promise<Appraisal> {
  assertNrasAppraiser(appraiser)
  if (appraiser === undefined || answers.length === 0) {
    const failure = new CheckFailure('NRAS_MISSING', 'tokens and keys of NRAS', 'none')
    return noAppraisal(APPRAISAL_CHECKS, 'gpu-reference-values', failure)
  }
  return appraiser.appraise(known, places, { answers, nonce: toBareHex(nonce), policy, at })
}

function setChecks(
  known: readonly KnownDevice[],
  { policy, devicesDigest }: GpuContext,
): readonly Check<GpuCheckName>[] {
  return [
    checkSet('gpu-set', () => requireOneSet(known, policy)),
    checkSet('gpu-topology', () => requireTopology(known)),
    checkSet('gpu-devices', () => {
      const digest = gpuDevicesDigest(known.map(({ device }) => fromHex(device.identity)))
      if (devicesDigest !== 'any' && devicesDigest !== digest) {
        const expected = `gpuDevicesDigest ${devicesDigest} of the statement`
        throw new CheckFailure('GPU_DEVICES_MISMATCH', expected, digest)
      }
      return { digest, statement: devicesDigest }
    }),
    checkSet('gpu-allowed', () => requireAllowed(known, policy)),
  ]
}

/** The one place where claims are made: every check of the list there once, and passed. */
function concluded(
  made: readonly Check<GpuCheckName>[],
  claims: (() => GpuReport['claims']) | undefined,
): GpuReport {
  const checks = GPU_CHECKS.map(
    (name) =>
      made.find((check) => check.name === name) ??
      skipped(name, 'a report is not known to be genuine'),
  )
  const holds = checks.every(({ status }) => status === 'passed')
  return Object.freeze({ checks, claims: holds && claims ? claims() : undefined })
}
