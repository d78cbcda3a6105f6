import { verify, X509Certificate } from 'node:crypto'
import {
  deviceIdentityOf,
  equalBytes,
  parseGpuReport,
  ProtocolError,
  sha256,
  toBareHex,
  toHex,
  utf8,
  VerifierError,
  type GpuDeviceEvidence,
  type GpuReportFacts,
  type Hex,
} from '@jeju/verifier/protocol'
import { GpuError } from './gpu-error.ts'

/** A device whose report answers the nonce and is signed by the key beside it. Whose key that is a verifier says. */
export interface CollectedDevice {
  readonly evidence: GpuDeviceEvidence
  readonly identity: Hex
  readonly mode: GpuReportFacts['mode']
}

const MAX_KNOWN_CHAINS = 256
/** SHA-256 of chains whose links hold: they change with the driver only. */
const knownChains = new Set<string>()

/**
 * What was collected, looked at before it is shown to anybody: a device that is broken, or a driver that repeats an old
 * answer, is found here and not by a client.
 * @throws GpuError `GPU_ANSWER`, `GPU_DEVICES`
 */
export async function checkCollected(
  devices: readonly GpuDeviceEvidence[],
  nonce: Uint8Array,
): Promise<readonly CollectedDevice[]> {
  const checked = await Promise.all(
    devices.map((device, index) => checkOne(device, `${device.kind} ${index}`, nonce)),
  )
  const identities = checked.map(({ identity }) => identity)
  const twice = identities.find((identity, index) => identities.indexOf(identity) !== index)
  if (twice !== undefined) throw new GpuError('GPU_DEVICES', `device ${twice} is there twice`)
  return checked
}

async function checkOne(
  evidence: GpuDeviceEvidence,
  place: string,
  nonce: Uint8Array,
): Promise<CollectedDevice> {
  try {
    const report = parseGpuReport(evidence.report, evidence.kind)
    if (!equalBytes(report.nonce, nonce)) {
      const [expected, actual] = [toBareHex(nonce), toBareHex(report.nonce)]
      throw new GpuError('GPU_ANSWER', `${place}: expected nonce ${expected}, got ${actual}`)
    }
    const identity = toHex(deviceIdentityOf(evidence.certificates))
    const leaf = leafOf(evidence.certificates)
    if (!(await isSigned(report, leaf))) {
      throw new GpuError('GPU_ANSWER', `${place}: the report is not signed by its leaf`)
    }
    return { evidence, identity, mode: report.mode }
  } catch (error) {
    if (error instanceof GpuError) throw error
    if (error instanceof ProtocolError || error instanceof VerifierError) {
      throw new GpuError('GPU_ANSWER', `${place}: ${error.message}`, { cause: error })
    }
    throw new GpuError('GPU_ANSWER', `${place}: certificates that cannot be read`)
  }
}

/** The leaf of a chain in which every certificate is signed by the next. */
function leafOf(certificates: string): X509Certificate {
  const blocks = certificates.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  const [leaf, ...authorities] = (blocks ?? []).map((block) => new X509Certificate(block))
  if (leaf === undefined) throw new GpuError('GPU_ANSWER', 'certificates: none')
  const name = toBareHex(sha256(utf8(certificates)))
  if (!knownChains.has(name)) {
    let below = leaf
    for (const authority of authorities) {
      if (!below.verify(authority.publicKey)) {
        throw new GpuError('GPU_ANSWER', 'certificates: one is not signed by the next')
      }
      below = authority
    }
    if (knownChains.size >= MAX_KNOWN_CHAINS) knownChains.clear()
    knownChains.add(name)
  }
  return leaf
}

function isSigned(
  { signed, signature }: GpuReportFacts,
  { publicKey }: X509Certificate,
): Promise<boolean> {
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  return new Promise((resolve) => {
    verify('sha384', signed, key, signature, (error, holds) => resolve(error === null && holds))
  })
}
