import { equalBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { intelTrustAnchor, simulatedTrustAnchor, type TrustAnchor } from '../../tdx/trust-anchor.ts'
import { parsePem, PemError } from '../../x509/pem.ts'
import { nvidiaTrustAnchor, simulatedGpuTrustAnchor, type GpuTrustAnchor } from '../../gpu/index.ts'
import { UsageError } from '../usage-error.ts'
import { readFileBytes } from './read-file.ts'

const MAX_PEM_CHARACTERS = 64 * 1024
const MAX_DER_BYTES = 64 * 1024
/** The tag of a SEQUENCE, as which every certificate begins. */
const DER_SEQUENCE = 0x30

/** The root certificate of a PEM text, DER. @throws VerifierError `TRUST_ANCHOR_INVALID` */
export function rootOfPem(pem: string): Uint8Array {
  try {
    const [der] = parsePem(pem, 1, MAX_PEM_CHARACTERS)
    if (der?.[0] === DER_SEQUENCE) return der
  } catch (cause) {
    if (!(cause instanceof PemError)) throw cause
    throw new VerifierError('TRUST_ANCHOR_INVALID', `trust anchor: ${cause.message}`, { cause })
  }
  throw new VerifierError('TRUST_ANCHOR_INVALID', 'trust anchor: not a certificate')
}

/** The anchor of a root: Intel's where it is Intel's, and any other one simulated. */
export function anchorOf(root: Uint8Array, name: string = nameOf(root)): TrustAnchor {
  const intel = intelTrustAnchor()
  return equalBytes(root, intel.certificate) ? intel : simulatedTrustAnchor(name, root)
}

function nameOf(root: Uint8Array): string {
  return `root ${toBareHex(sha256(root)).slice(0, 16)}`
}

/** The anchor of `--anchor` and `--anchor-name`; Intel's without them. @throws UsageError */
export async function readTrustAnchor(flags: {
  readonly anchor?: string | undefined
  readonly 'anchor-name'?: string | undefined
}): Promise<TrustAnchor> {
  const { anchor: path, 'anchor-name': name } = flags
  if (path === undefined) {
    if (name !== undefined) throw new UsageError('--anchor-name: names nothing without --anchor')
    return intelTrustAnchor()
  }
  return refusing(`--anchor ${path}`, async () => anchorOf(await readRoot(path), name))
}

/** The roots of `--gpu-anchor DEVICE,RIM`, which are simulated; NVIDIA's without it. @throws UsageError */
export async function readGpuTrustAnchor(paths: string | undefined): Promise<GpuTrustAnchor> {
  if (paths === undefined) return nvidiaTrustAnchor()
  const [device, rim, ...others] = paths.split(',')
  if (device === undefined || rim === undefined || others.length > 0) {
    throw new UsageError('--gpu-anchor: expected two files, DEVICE,RIM')
  }
  return refusing(`--gpu-anchor ${paths}`, async () => {
    const roots = { deviceRoot: await readRoot(device), rimRoot: await readRoot(rim) }
    return simulatedGpuTrustAnchor(nameOf(roots.deviceRoot), roots)
  })
}

async function readRoot(path: string): Promise<Uint8Array> {
  const bytes = await readFileBytes(path, MAX_DER_BYTES)
  return bytes[0] === DER_SEQUENCE ? bytes : rootOfPem(new TextDecoder('latin1').decode(bytes))
}

async function refusing<Anchor>(flag: string, read: () => Promise<Anchor>): Promise<Anchor> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error
    throw new UsageError(`${flag}: ${error.message}`, { cause: error })
  }
}
