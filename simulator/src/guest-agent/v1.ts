import { toBareHex } from '@jeju/verifier/protocol'
import { encodeAttestationV1 } from '../td/attestation-bundle.ts'
import { deriveV1 } from '../td/key-derivation.ts'
import type { SimulatedTd } from '../td/simulated-td.ts'
import { issueCertificate } from './tls-certificate.ts'
import { attestGpu, type AgentGpus } from './attest-gpu.ts'
import { commonInfo } from './v0.ts'
import { AgentError, reportData, text, type Fields, type Method } from './wire.ts'

/** The v1 surface of dstack 0.6. */
export function v1Methods(
  td: SimulatedTd,
  gpus: AgentGpus | undefined,
): ReadonlyMap<string, Method> {
  return new Map<string, Method>([
    ['GetKey', (fields) => getKey(td, fields)],
    ['Attest', (fields) => attest(td, fields)],
    ['AttestGpu', (fields) => attestGpu(gpus, fields)],
    ['IssueCert', (fields) => issueCertificate(td, fields)],
    ['Info', () => ({ ...commonInfo(td), app_compose: new TextDecoder().decode(td.appCompose) })],
    ['Version', () => ({ version: td.profile, rev: 'simulator' })],
  ])
}

function getKey(td: SimulatedTd, fields: Fields): unknown {
  const algorithm = text(fields, 'algorithm')
  if (algorithm !== 'secp256k1' && algorithm !== 'ed25519') {
    throw new AgentError('algorithm must be secp256k1 or ed25519')
  }
  const derived = deriveV1(td.keys, text(fields, 'domain'), algorithm)
  return {
    key: toBareHex(derived.key),
    public_key: toBareHex(derived.publicKey),
    signature_chain: derived.signatureChain.map((link) => toBareHex(link)),
  }
}

async function attest(td: SimulatedTd, fields: Fields): Promise<unknown> {
  const data = reportData(fields)
  const quote = await td.quote(data)
  const content = { quote, events: td.events(), reportData: data, config: td.vmConfig }
  return { attestation: toBareHex(encodeAttestationV1(content)), boottime_gpu_evidence: [] }
}
