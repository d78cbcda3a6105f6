import type { JWTPayload } from 'jose'
import { CheckFailure, type CheckFailureCode } from '../../report/check-failure.ts'
import { noAppraisal, requireMode, type Appraisal } from '../appraisal.ts'
import { checkAll, find, type Found } from '../check-each.ts'
import type { KnownDevice } from '../device/known-device.ts'
import type { GpuPolicy } from '../gpu-policy.ts'
import { APPRAISAL_CHECKS } from '../gpu-report.ts'
import type { NrasService } from './nras-service.ts'
import { verifyAnswers } from './verify-answers.ts'

/** What an appraisal by the service depends on. */
export interface NrasContext {
  readonly answers: readonly string[]
  /** Hex, as the tokens write it. */
  readonly nonce: string
  readonly policy: GpuPolicy
  readonly at: Date
}

/** An appraiser that reads the service's tokens; the same checks as a local one. */
export type NrasAppraiser = {
  readonly service: NrasService
  readonly appraise: (
    devices: readonly KnownDevice[],
    places: readonly string[],
    context: NrasContext,
  ) => Promise<Appraisal>
}

/** Names of claims by kind of device. */
const PREFIXES = { gpu: 'x-nvidia-gpu', switch: 'x-nvidia-switch' } as const
const RIMS = { gpu: ['driver-rim', 'vbios-rim'], switch: ['bios-rim'] } as const

/** Takes the word of NVIDIA's service for what it compared; what of it we can check ourselves is checked anyway. */
export async function appraiseByNras(
  service: NrasService,
  devices: readonly KnownDevice[],
  places: readonly string[],
  { answers, nonce, policy, at }: NrasContext,
): Promise<Appraisal> {
  const verified = await find(
    () => verifyAnswers(answers, devices, nonce, service, at),
    'NRAS_TOKEN_INVALID',
  )
  if (verified.failure !== undefined) {
    return noAppraisal(APPRAISAL_CHECKS, 'gpu-reference-values', verified.failure)
  }
  const each = <Value>(
    rule: (claims: JWTPayload, known: KnownDevice) => Value,
  ): Promise<readonly Found<Value>[]> =>
    Promise.all(
      devices.map((known, index) =>
        find(() => rule(verified.value[index] ?? {}, known), 'NRAS_RESULT_FAILED'),
      ),
    )
  const needsOcsp = policy.ocsp === 'required'
  const [revocation, values, expiry, rimStatus, measurements, mode] = await Promise.all([
    each((claims, known) => requireOcsp(claims, chainClaim(known), needsOcsp)),
    each(requireRims),
    each((claims, known) => rimChains(known).map((name) => requireValid(claims, name))),
    each((claims, known) => rimChains(known).map((name) => requireOcsp(claims, name, needsOcsp))),
    each((claims) => requireClaim(claims, 'measres', 'success', 'GPU_MEASUREMENT_MISMATCH')),
    each((claims, known) => {
      requireClaim(claims, 'secboot', true, 'GPU_MODE_REFUSED')
      requireClaim(claims, 'dbgstat', 'disabled', 'GPU_MODE_REFUSED')
      return requireMode(known, policy)
    }),
  ])
  const byNras = { by: service.name }
  return [
    checkAll('gpu-revocation', places, revocation, (ocsp) => ({ ...byNras, ocsp })),
    checkAll('gpu-reference-values', places, values, () => byNras),
    checkAll('gpu-rim-expiry', places, expiry, () => byNras),
    checkAll('gpu-rim-revocation', places, rimStatus, (ocsp) => ({ ...byNras, ocsp })),
    checkAll('gpu-measurements', places, measurements, () => byNras),
    checkAll('gpu-confidential-mode', places, mode, (modes) => ({ ...byNras, modes })),
  ]
}

function chainClaim({ device }: KnownDevice): string {
  return `${PREFIXES[device.kind]}-attestation-report-cert-chain`
}

function rimChains({ device: { kind } }: KnownDevice): readonly string[] {
  return RIMS[kind].map((rim) => `${PREFIXES[kind]}-${rim}-cert-chain`)
}

/** Reference values found, signed, of the right version, compared without conflict, and about a report that held. */
function requireRims(claims: JWTPayload, { device: { kind } }: KnownDevice): void {
  const prefix = PREFIXES[kind]
  // Claims of version 2 call the chain of a device valid by this name, and say nothing of a RIM's version.
  const chainValidated = 'attestation-report-cert-chain-validated'
  const isVersion2 = Object.hasOwn(claims, `${prefix}-${chainValidated}`)
  const names = [
    ...(isVersion2 ? [chainValidated] : []),
    'arch-check',
    'attestation-report-parsed',
    'attestation-report-nonce-match',
    'attestation-report-signature-verified',
    ...(kind === 'gpu' ? ['vbios-index-no-conflict'] : []),
    ...RIMS[kind].flatMap((rim) =>
      [
        'fetched',
        'schema-validated',
        'signature-verified',
        ...(isVersion2 ? [] : ['version-match']),
        'measurements-available',
      ].map((fact) => `${rim}-${fact}`),
    ),
  ]
  for (const name of names) requireClaim(claims, `${prefix}-${name}`, true, 'NRAS_RESULT_FAILED')
  // Without a firmware id in the report the service leaves this out, and the check of that name has said so.
  const fwid = `${prefix}-attestation-report-cert-chain-fwid-match`
  if (Object.hasOwn(claims, fwid)) requireClaim(claims, fwid, true, 'GPU_FWID_MISMATCH')
}

/** Signer valid: an object in claims of version 3, a boolean in those of version 2. */
function requireValid(claims: JWTPayload, name: string): void {
  const chain = claims[name]
  if (typeof chain !== 'object' || chain === null) {
    requireClaim(claims, `${name.replace(/-chain$/, '')}-validated`, true, 'RIM_EXPIRED')
    return
  }
  const status = (chain as Readonly<Record<string, unknown>>)['x-nvidia-cert-status']
  if (status !== 'valid') throw new CheckFailure('RIM_EXPIRED', `${name} valid`, String(status))
}

/** Not revoked, as the service asked; claims of version 2 do not say. */
function requireOcsp(claims: JWTPayload, name: string, isRequired: boolean): string {
  const chain = claims[name] as Readonly<Record<string, unknown>> | undefined | null
  const status = chain?.['x-nvidia-cert-ocsp-status']
  if (status === 'good') return status
  if (status === undefined && !isRequired) return 'not stated'
  const code =
    status === undefined ? 'OCSP_MISSING' : status === 'revoked' ? 'OCSP_REVOKED' : 'OCSP_UNKNOWN'
  throw new CheckFailure(code, `${name}: OCSP status good`, String(status))
}

function requireClaim(
  claims: JWTPayload,
  name: string,
  expected: string | boolean,
  code: CheckFailureCode,
): void {
  const actual = claims[name]
  if (actual !== expected) {
    throw new CheckFailure(code, `${name} ${String(expected)}`, String(actual))
  }
}
