import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex, toBareHex } from '../bytes/hex.ts'
import type { CertificateStore } from '../pki/certificates.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { CheckFailure } from '../report/check-failure.ts'
import type { Check } from '../report/check.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { SignatureVerifier } from '../x509/ecdsa.ts'
import { checkAll, find } from './check-each.ts'
import { verifyDeviceChain } from './device/device-chain.ts'
import { knownDevice, requireFirmwareId, type KnownDevice } from './device/known-device.ts'
import type { GpuCheckName } from './gpu-report.ts'
import type { GpuTrustAnchor } from './gpu-trust-anchor.ts'
import { parseSpdmReport, type SpdmReport } from './spdm/spdm-report.ts'

/** NVIDIA's tools show evidence with this nonce, and some nodes serve it as their own (attack D3). */
const CANNED_NONCE = '931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb'

/** What a verifier verifies with. */
export interface Means {
  readonly anchor: GpuTrustAnchor
  readonly keys: SignatureVerifier
  readonly store: CertificateStore
}

/** What was asked of the devices, and when. */
interface Asked {
  readonly at: Date
  readonly nonce: Uint8Array
  readonly isRecorded?: boolean
}

/** Whether every report was signed by the device whose certificates are beside it, over the nonce. */
export async function genuineDevices(
  devices: readonly GpuDeviceEvidence[],
  places: readonly string[],
  context: Asked,
  means: Means,
): Promise<{
  readonly checks: readonly Check<GpuCheckName>[]
  readonly known: readonly KnownDevice[] | undefined
}> {
  const at = context.at.getTime()
  const parsed = await Promise.all(
    devices.map(({ report }) => find(() => parseSpdmReport(report), 'GPU_REPORT_INVALID')),
  )
  const read = checkAll('gpu-report', places, parsed, (all) => ({ reports: all.length }))
  const reports = parsed.flatMap((found) => (found.failure === undefined ? [found.value] : []))
  if (read.status !== 'passed') return { checks: [read], known: undefined }

  const [nonces, chains] = await Promise.all([
    Promise.all(
      reports.map((report) => find(() => requireNonce(report, context), 'GPU_NONCE_MISMATCH')),
    ),
    Promise.all(
      devices.map(({ certificates }) =>
        find(
          () => verifyDeviceChain(certificates, means.anchor.deviceRoot, means.store, at),
          'GPU_CERT_INVALID',
        ),
      ),
    ),
  ])
  const nonce = checkAll('gpu-nonce', places, nonces, () => ({ nonce: toBareHex(context.nonce) }))
  const chain = checkAll('gpu-certificate-chain', places, chains, () => ({
    anchor: means.anchor.name,
    tier: means.anchor.tier,
  }))
  const ends = chains.flatMap((found) => (found.failure === undefined ? [found.value] : []))
  if (chain.status !== 'passed') return { checks: [read, nonce, chain], known: undefined }

  const signatures = await Promise.all(
    reports.map((report, index) =>
      find(() => requireSignature(report, ends[index]?.leaf, means), 'GPU_REPORT_INVALID'),
    ),
  )
  const signature = checkAll('gpu-report-signature', places, signatures, () => ({}))
  const signed = [read, nonce, chain, signature]
  if (signature.status !== 'passed') return { checks: signed, known: undefined }

  const identities = await Promise.all(
    devices.map((device, index) =>
      find(() => {
        const [report, end] = [reports[index], ends[index]]
        if (!report || !end) throw new CheckFailure('GPU_REPORT_INVALID', 'a report', 'none')
        return knownDevice(device, report, end)
      }, 'GPU_IDENTITY_MISMATCH'),
    ),
  )
  const identity = checkAll('gpu-identity', places, identities, (all) => ({
    devices: all.map(({ device }) => device.identity),
  }))
  const known = identities.flatMap((found) => (found.failure === undefined ? [found.value] : []))
  if (identity.status !== 'passed') return { checks: [...signed, identity], known: undefined }

  const firmware = await Promise.all(
    known.map((one) => find(() => requireFirmwareId(one), 'GPU_CERT_INVALID')),
  )
  const fwid = checkAll('gpu-firmware-id', places, firmware, (all) => ({ fwid: all }))
  return { checks: [...signed, identity, fwid], known }
}

async function requireSignature(
  { signature, signed }: SpdmReport,
  leaf: Certificate | undefined,
  { keys }: Means,
): Promise<void> {
  if (leaf && (await keys.verify(leaf.publicKey, signature, signed))) return
  const expected = 'a report signed by its leaf certificate'
  throw new CheckFailure('GPU_REPORT_SIGNATURE_INVALID', expected, 'signature invalid')
}

/** Fields of a report that no signature covers yet; the nonce is compared all the same, since it is what was asked. */
function requireNonce({ nonce }: SpdmReport, { nonce: expected, isRecorded }: Asked): void {
  const actual = toBareHex(nonce)
  const isCanned = nonce.every((byte) => byte === 0) || equalBytes(nonce, fromBareHex(CANNED_NONCE))
  if (isCanned && isRecorded !== true) {
    throw new CheckFailure('GPU_NONCE_CANNED', 'a fresh nonce', actual)
  }
  if (!equalBytes(nonce, expected)) {
    throw new CheckFailure('GPU_NONCE_MISMATCH', `nonce ${toBareHex(expected)}`, actual)
  }
}

/** `GPU 0`, `switch 1`: as the evidence counts them. */
export function placesOf(devices: readonly GpuDeviceEvidence[]): readonly string[] {
  const counts = { gpu: 0, switch: 0 }
  return devices.map(({ kind }) => `${kind === 'gpu' ? 'GPU' : kind} ${counts[kind]++}`)
}
