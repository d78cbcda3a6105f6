import { concatBytes, fromBareHex, sha256, utf8 } from '@jeju/verifier/protocol'
import type { SimulatedPki } from '../pki/collateral.ts'
import { QE_ISV_PROD_ID, QE_ISV_SVN, QE_MR_SIGNER } from '../pki/collateral-documents.ts'
import type { RandomSource } from '../pki/random-source.ts'
import { generateKeyPair, publicPoint, sign, type KeyPair } from '../pki/signing-key.ts'
import { uint16, uint32 } from './little-endian.ts'

/** Ways in which a simulated quoting enclave can lie. */
export interface QuoteLies {
  /** Sign with a key that the QE report does not name (attack B9). */
  readonly unboundAttestationKey?: boolean
}

/** Signs TD reports as quotes, as Intel's TD quoting enclave does. */
export interface QuotingEnclave {
  quote(tdReport: Uint8Array): Uint8Array<ArrayBuffer>
}

export const INTEL_QE_VENDOR_ID: Uint8Array = fromBareHex('939a7233f79c4ca9940a0db3957f0607')
/** dstack hands out quotes in a buffer with this many zero bytes behind them. */
const PADDING_BYTES = 70
/** Auth data of Intel's quoting enclave: 00 to 1f. */
export const QE_AUTH_DATA: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index)

/** A quoting enclave with its own attestation key, certified once by the platform's PCK. */
export async function createQuotingEnclave(
  pki: SimulatedPki,
  random: RandomSource,
  lies: QuoteLies = {},
): Promise<QuotingEnclave> {
  const attestationKey = await generateKeyPair(random, 'attestation key')
  const namedKey =
    lies.unboundAttestationKey === true
      ? await generateKeyPair(random, 'another attestation key')
      : attestationKey
  const certification = await certify(pki, namedKey)
  const point = await publicPoint(attestationKey)
  return {
    quote: (tdReport) => {
      const signedBytes = concatBytes(header(), tdReport)
      const authData = concatBytes(
        sign(attestationKey, signedBytes),
        point,
        uint16(6),
        uint32(certification.length),
        certification,
      )
      return concatBytes(
        signedBytes,
        uint32(authData.length),
        authData,
        new Uint8Array(PADDING_BYTES),
      )
    },
  }
}

/** Quote header version 4 (A.3.1). */
function header(): Uint8Array<ArrayBuffer> {
  return concatBytes(
    uint16(4),
    uint16(2), // ECDSA P-256
    uint32(0x81), // TDX
    uint32(0),
    INTEL_QE_VENDOR_ID,
    new Uint8Array(20),
  )
}

/** QE report certification data: the report naming the attestation key, signed by the PCK leaf, and its chain. */
async function certify(pki: SimulatedPki, key: KeyPair): Promise<Uint8Array<ArrayBuffer>> {
  const binding = sha256(concatBytes(await publicPoint(key), QE_AUTH_DATA))
  const report = concatBytes(
    new Uint8Array(48), // CPUSVN, MISCSELECT, reserved
    Uint8Array.of(0x11, ...Array.from({ length: 15 }, () => 0)), // ATTRIBUTES: INIT, PROVISION_KEY
    new Uint8Array(64).fill(0x51, 0, 32), // MRENCLAVE, reserved
    QE_MR_SIGNER,
    new Uint8Array(96),
    uint16(QE_ISV_PROD_ID),
    uint16(QE_ISV_SVN),
    new Uint8Array(60),
    binding,
    new Uint8Array(32),
  )
  const chain = utf8(`${pki.pckLeaf.pem}${pki.platformCa.pem}${pki.root.pem}\0`)
  return concatBytes(
    report,
    sign(pki.pckLeaf.key, report),
    uint16(QE_AUTH_DATA.length),
    QE_AUTH_DATA,
    uint16(5),
    uint32(chain.length),
    chain,
  )
}
