import {
  fromBareHex,
  sha256,
  TINFOIL,
  tinfoilReportData,
  toBareHex,
  utf8,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { EHBP_X25519 } from '@jeju/verifier/sealing'
import type { Gpus } from '../../gpu/gpus.ts'
import type { NodeKeys } from '../../keys/node-keys.ts'
import type { TlsKey } from '../../tls/tls-key.ts'
import { collectItems, type DeviceItems } from '../device-evidence.ts'
import type { Quotes } from '../quotes.ts'

/** Makes Tinfoil v3 documents. */
export interface TinfoilDocuments {
  /** `nonce`: bare hex, 32 bytes. */
  document(nonce: string): Promise<JsonValue>
}

/** Collaborators of {@link createTinfoilDocuments}. */
export interface TinfoilParts {
  readonly quotes: Quotes
  readonly gpus: Gpus | undefined
  readonly keys: NodeKeys
  readonly tls: TlsKey | undefined
}

/**
 * Documents over quotes of their own: keys and devices as exact bytes, their hashes and the nonce in the report data
 * (Tinfoil, attestation v3). A key is named only when it is served.
 */
export function createTinfoilDocuments(parts: TinfoilParts): TinfoilDocuments {
  const { quotes, gpus, keys, tls } = parts
  const hpke = keys.sealing.find(({ suite }) => suite === EHBP_X25519)
  const items = [
    ...(tls === undefined ? [] : [item('tls', TINFOIL.spkiKey, tls.spkiSha256)]),
    ...(hpke === undefined ? [] : [item('hpke', TINFOIL.hpkeKey, hpke.publicKey)]),
  ]
  const cryptoMaterial = utf8(JSON.stringify({ format: TINFOIL.cryptoMaterial, items }))
  return {
    document: async (nonce) => {
      const challenge = fromBareHex(nonce)
      const items = deviceItems(await collectItems(gpus, challenge))
      const deviceEvidence = utf8(JSON.stringify({ format: TINFOIL.deviceEvidence, items }))
      const data = tinfoilReportData(challenge, cryptoMaterial, deviceEvidence)
      const { quote } = await quotes.quote(data, 'challenge')
      return {
        format: TINFOIL.document,
        challenge: {
          nonce,
          report_data: toBareHex(data),
          report_data_algorithm: TINFOIL.reportData,
        },
        cpu_evidence: {
          format: TINFOIL.tdxQuote,
          report_base64: base64(quote),
          endorsed: {
            crypto_material_hash: toBareHex(sha256(cryptoMaterial)),
            device_evidence_hash: toBareHex(sha256(deviceEvidence)),
          },
        },
        crypto_material: base64(cryptoMaterial),
        device_evidence: base64(deviceEvidence),
        collateral: [],
      }
    },
  }
}

function item(id: string, format: string, data: Uint8Array): JsonValue {
  return { id, format, data: toBareHex(data) }
}

function deviceItems({ gpus, switches }: DeviceItems): readonly JsonValue[] {
  const [gpu, nvswitch] = [TINFOIL.gpuEvidence, TINFOIL.switchEvidence]
  return [
    ...gpus.map((evidence, index) => device(`gpu${index}`, 'gpu', gpu, evidence)),
    ...switches.map((evidence, index) =>
      device(`nvswitch${index}`, 'nvswitch', nvswitch, evidence),
    ),
  ]
}

function device(id: string, kind: string, format: string, evidence: JsonValue): JsonValue {
  return { id, kind, vendor: 'nvidia', format, evidence }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
