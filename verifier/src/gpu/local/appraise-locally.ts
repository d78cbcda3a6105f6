import { CheckFailure } from '../../report/check-failure.ts'
import { skipped, type Check } from '../../report/check.ts'
import type { CertificateStore } from '../../pki/certificates.ts'
import type { SignatureVerifier } from '../../x509/ecdsa.ts'
import { requireMode, type Appraisal } from '../appraisal.ts'
import { checkAll, find, type Found } from '../check-each.ts'
import type { KnownDevice } from '../device/known-device.ts'
import type { GpuPolicy } from '../gpu-policy.ts'
import { requireChainDates } from '../nvidia-chain.ts'
import { verifyChainStatus, type OcspSource } from '../ocsp/verify-status.ts'
import {
  matchMeasurements,
  requireMatch,
  requireSvns,
  type NamedRim,
} from '../rim/match-measurements.ts'
import { wantedRims } from '../rim/rim-id.ts'
import { RIM_CODES, type VerifiedRim } from '../rim/verify-rim.ts'

/** A device's BROM and what is above it have a status; nobody answers for leaves. */
const FIRST_DEVICE_CERTIFICATE = 1
const DAY_MS = 24 * 3600 * 1000

/** What a local appraisal depends on. */
export interface LocalContext {
  readonly policy: GpuPolicy
  readonly ocsp: OcspSource
  readonly store: CertificateStore
  readonly keys: SignatureVerifier
  /** The verified RIM of that id. @throws CheckFailure */
  readonly rim: (id: string) => Promise<VerifiedRim>
}

interface DeviceRim extends NamedRim {
  readonly rim: VerifiedRim
}

/** Compares every device with NVIDIA's RIMs. Places name the devices in what is refused. */
export async function appraiseLocally(
  devices: readonly KnownDevice[],
  places: readonly string[],
  context: LocalContext,
): Promise<Appraisal> {
  const { policy, ocsp, store, keys } = context
  const each = <Value>(
    rule: (known: KnownDevice, index: number) => Value | Promise<Value>,
  ): Promise<readonly Found<Value>[]> =>
    Promise.all(devices.map((known, index) => find(() => rule(known, index), 'RIM_INVALID')))

  const [revocation, rims] = await Promise.all([
    each(({ chain }) =>
      verifyChainStatus(chain.chain, FIRST_DEVICE_CERTIFICATE, ocsp, store, keys),
    ),
    each((known) => rimsOf(known, context)),
  ])
  const mode = await each((known) => requireMode(known, policy))
  const answers = (counts: readonly number[]): Readonly<Record<string, unknown>> => ({
    answers: counts.reduce((sum, count) => sum + count, 0),
    required: ocsp.required,
  })
  const first = checkAll('gpu-revocation', places, revocation, answers)
  const values = checkAll('gpu-reference-values', places, rims, (found) => ({
    by: 'local',
    rims: [...new Set(found.flat().map(({ id, rim }) => `${id} sha256 ${rim.sha256}`))],
  }))
  const last = checkAll('gpu-confidential-mode', places, mode, (modes) => ({ modes }))
  if (values.status !== 'passed') return [first, values, ...withoutRims(), last]
  const byDevice = rims.map((found) => (found.failure === undefined ? found.value : []))
  const expiry = await each((_, index) => requireRimDates(byDevice[index] ?? [], context))
  const status = await each((_, index) => requireRimStatus(byDevice[index] ?? [], context))
  const match = await each((known, index) => requireMeasurements(known, byDevice[index] ?? []))
  return [
    first,
    values,
    checkAll('gpu-rim-expiry', places, expiry, (ends) => ({ until: [...new Set(ends)] })),
    checkAll('gpu-rim-revocation', places, status, answers),
    checkAll('gpu-measurements', places, match, (found) => ({ devices: found })),
    last,
  ]
}

function withoutRims(): readonly Check<
  'gpu-rim-expiry' | 'gpu-rim-revocation' | 'gpu-measurements'
>[] {
  const names = ['gpu-rim-expiry', 'gpu-rim-revocation', 'gpu-measurements'] as const
  return names.map((name) => skipped(name, 'a RIM is missing or not to be trusted'))
}

/** The RIMs a device needs: there, verified, and of its product and version. @throws CheckFailure */
async function rimsOf(
  { facts, chain }: KnownDevice,
  { rim }: LocalContext,
): Promise<readonly DeviceRim[]> {
  const wanted = wantedRims(facts, chain.family)
  return Promise.all(
    wanted.map(async ({ id, product, edition, version }) => {
      const found = await rim(id)
      const { content } = found
      const expected = `${id}: ${edition} ${product} ${version}`
      const actual = `${content.edition} ${content.product} ${content.version}`
      // VBIOS versions are written in either case.
      if (actual.toUpperCase() !== `${edition} ${product} ${version}`.toUpperCase()) {
        throw new CheckFailure('RIM_MISMATCH', expected, actual)
      }
      return { id, content, rim: found }
    }),
  )
}

/** Signers in date, or past it no longer than the policy takes, for documents it names. @returns the earliest end */
function requireRimDates(
  rims: readonly DeviceRim[],
  { policy, ocsp: { at } }: LocalContext,
): string {
  const { graceDays, digests } = policy.expiredRims
  for (const { id, rim } of rims) {
    const isListed = digests === 'any' || digests.includes(rim.sha256)
    const end = endOf(rim)
    const isTolerated = isListed && at > end && at <= end + graceDays * DAY_MS
    try {
      requireChainDates(rim.chain, isTolerated ? end : at, RIM_CODES)
    } catch (error) {
      if (!(error instanceof CheckFailure)) throw error
      const { code, expected, actual } = error
      throw new CheckFailure(code, `${id}: ${expected}`, actual, { cause: error })
    }
  }
  return new Date(Math.min(...rims.map(({ rim }) => endOf(rim)))).toISOString()
}

function endOf({ chain }: VerifiedRim): number {
  return Math.min(...chain.map(({ notAfter }) => notAfter))
}

async function requireRimStatus(
  rims: readonly DeviceRim[],
  { ocsp, store, keys }: LocalContext,
): Promise<number> {
  const counts = await Promise.all(
    rims.map(({ rim }) => verifyChainStatus(rim.chain, 0, ocsp, store, keys)),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

function requireMeasurements(
  { report, facts }: KnownDevice,
  rims: readonly DeviceRim[],
): { readonly matched: number; readonly skipped: readonly number[] } {
  const match = matchMeasurements(report.measurements, facts, rims)
  requireMatch(match)
  requireSvns(report.opaque, rims)
  return { matched: match.matched.length, skipped: match.skipped }
}
