import { equalBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { intelTrustAnchor, simulatedTrustAnchor, type TrustAnchor } from '../../tdx/trust-anchor.ts'
import { parsePem, PemError } from '../../x509/pem.ts'
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
  const bytes = await readFileBytes(path, MAX_DER_BYTES)
  try {
    const text = new TextDecoder('latin1').decode(bytes)
    const root = bytes[0] === DER_SEQUENCE ? bytes : rootOfPem(text)
    return anchorOf(root, name)
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error
    throw new UsageError(`--anchor ${path}: ${error.message}`, { cause: error })
  }
}
