import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'

/** Identifiers of Tinfoil's attestation document, version 3. */
export const TINFOIL = {
  document: 'https://tinfoil.sh/predicate/attestation/v3',
  reportData: 'https://tinfoil.sh/report-data/v1',
  tdxQuote: 'https://tinfoil.sh/format/tdx-quote/v1',
  cryptoMaterial: 'https://tinfoil.sh/crypto-material/v1',
  deviceEvidence: 'https://tinfoil.sh/device-evidence/v1',
  gpuEvidence: 'https://tinfoil.sh/format/nvidia-gpu-evidence/v1',
  switchEvidence: 'https://tinfoil.sh/format/nvidia-nvswitch-evidence/v1',
  spkiKey: 'https://tinfoil.sh/key/spki-fp-sha256/v1',
  hpkeKey: 'https://tinfoil.sh/key/x25519-hpke/v1',
} as const

/**
 * Report data of a Tinfoil v3 document: SHA-256(algorithm ‖ nonce ‖ SHA-256(crypto material) ‖ SHA-256(device
 * evidence)) ‖ zeros, both sections as their exact decoded bytes.
 */
export function tinfoilReportData(
  nonce: Uint8Array,
  cryptoMaterial: Uint8Array,
  deviceEvidence: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const digest = sha256(
    concatBytes(utf8(TINFOIL.reportData), nonce, sha256(cryptoMaterial), sha256(deviceEvidence)),
  )
  return concatBytes(digest, new Uint8Array(32))
}
