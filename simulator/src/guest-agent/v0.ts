import {
  recoverAddress,
  sha256,
  signDigest,
  signEd25519,
  toBareHex,
  toHex,
  verifyEd25519,
  fromHex,
  concatBytes,
  ProtocolError,
} from '@jeju/verifier/protocol'
import { encodeAttestationV0 } from '../td/attestation-bundle.ts'
import { servedLog, strippedLog } from '../td/event-log.ts'
import { deriveV0, publicKeyOf, type KeyAlgorithm } from '../td/key-derivation.ts'
import type { SimulatedTd } from '../td/simulated-td.ts'
import { addressOfPublicKey } from './public-key.ts'
import { issueCertificate } from './tls-certificate.ts'
import { AgentError, bytes, reportData, text, type Fields, type Method } from './wire.ts'

/** The v0 surface, frozen at dstack 0.5.11. */
export function v0Methods(td: SimulatedTd): ReadonlyMap<string, Method> {
  return new Map<string, Method>([
    ['GetKey', (fields) => getKey(td, fields)],
    ['GetTlsKey', (fields) => issueCertificate(td, fields, (data) => attestation(td, data))],
    ['GetQuote', (fields) => getQuote(td, fields)],
    ['Attest', (fields) => attest(td, fields)],
    ['Info', () => info(td)],
    ['Version', () => ({ version: td.profile, rev: 'simulator' })],
    ['Sign', (fields) => sign(td, fields)],
    ['Verify', verify],
    ['EmitEvent', (fields) => emitEvent(td, fields)],
  ])
}

function keyAlgorithm(name: string): KeyAlgorithm {
  if (name === '' || name === 'secp256k1' || name === 'k256') return 'secp256k1'
  if (name === 'ed25519') return 'ed25519'
  throw new AgentError('Unsupported algorithm')
}

function getKey(td: SimulatedTd, fields: Fields): unknown {
  const algorithm = keyAlgorithm(text(fields, 'algorithm'))
  const derived = deriveV0(td.keys, text(fields, 'path'), text(fields, 'purpose'), algorithm)
  return {
    key: toBareHex(derived.key),
    signature_chain: derived.signatureChain.map((link) => toBareHex(link)),
  }
}

async function getQuote(td: SimulatedTd, fields: Fields): Promise<unknown> {
  const data = reportData(fields)
  return {
    quote: toBareHex(await td.quote(data)),
    event_log: JSON.stringify(strippedLog(td.events())),
    report_data: toBareHex(data),
    vm_config: td.vmConfig,
  }
}

async function attest(td: SimulatedTd, fields: Fields): Promise<unknown> {
  return { attestation: toBareHex(await attestation(td, reportData(fields))) }
}

async function attestation(td: SimulatedTd, data: Uint8Array): Promise<Uint8Array> {
  const quote = await td.quote(data)
  return encodeAttestationV0({ quote, events: td.events(), reportData: data, config: td.vmConfig })
}

/** SHA-256 of nothing: the guest does not know its platform's PPID. */
const DEVICE_ID = toBareHex(sha256(new Uint8Array(0)))

/** The members v0 and v1 `Info` share. */
export function commonInfo(td: SimulatedTd): Readonly<Record<string, string>> {
  return {
    app_id: toBareHex(td.appId),
    instance_id: toBareHex(td.instanceId),
    app_name: appName(td),
    device_id: DEVICE_ID,
    mr_aggregated: mrAggregated(td),
    os_image_hash: toBareHex(td.osImageHash),
    key_provider_info: td.keyProvider,
    compose_hash: td.composeHash.slice(2),
    vm_config: td.vmConfig,
    cloud_vendor: 'simulator',
    cloud_product: 'simulator',
  }
}

function info(td: SimulatedTd): unknown {
  const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3 } = td.measurements
  const common = commonInfo(td)
  const tcbInfo = {
    mrtd: mrtd.slice(2),
    rtmr0: rtmr0.slice(2),
    rtmr1: rtmr1.slice(2),
    rtmr2: rtmr2.slice(2),
    rtmr3: rtmr3.slice(2),
    mr_aggregated: common['mr_aggregated'],
    os_image_hash: common['os_image_hash'],
    compose_hash: common['compose_hash'],
    device_id: DEVICE_ID,
    event_log: servedLog(td.events()),
    app_compose: new TextDecoder().decode(td.appCompose),
  }
  return {
    ...common,
    app_cert: td.platform.kms.ca.pem,
    tcb_info: JSON.stringify(tcbInfo, null, 2),
  }
}

function appName(td: SimulatedTd): string {
  const compose: unknown = JSON.parse(new TextDecoder().decode(td.appCompose))
  const named = typeof compose === 'object' && compose !== null && 'name' in compose
  return named && typeof compose.name === 'string' ? compose.name : ''
}

function mrAggregated(td: SimulatedTd): string {
  const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3 } = td.measurements
  const registers = [mrtd, rtmr0, rtmr1, rtmr2, rtmr3].map((register) => fromHex(register))
  const mrConfigId = concatBytes(
    Uint8Array.of(1),
    fromHex(td.composeHash),
    new Uint8Array(15), // V1
  )
  return toBareHex(sha256(concatBytes(...registers, mrConfigId, new Uint8Array(96))))
}

const SIGNING_PATH = 'vms'
const SIGNING_PURPOSE = 'signing'

function sign(td: SimulatedTd, fields: Fields): unknown {
  const algorithm = text(fields, 'algorithm')
  const data = bytes(fields, 'data')
  const curve: KeyAlgorithm = algorithm === 'ed25519' ? 'ed25519' : 'secp256k1'
  const { key, signatureChain } = deriveV0(td.keys, SIGNING_PATH, SIGNING_PURPOSE, curve)
  const signature =
    algorithm === 'ed25519'
      ? signEd25519(data, key)
      : fromHex(signDigest(toHex(signedDigest(algorithm, data)), key)).slice(0, 64)
  return {
    signature: toBareHex(signature),
    signature_chain: [signature, ...signatureChain].map((link) => toBareHex(link)),
    public_key: toBareHex(publicKeyOf(curve, key)),
  }
}

/** What secp256k1 signs: SHA-256 of the data, or 32 bytes as they are. */
function signedDigest(algorithm: string, data: Uint8Array): Uint8Array {
  if (algorithm === 'secp256k1') return sha256(data)
  if (algorithm !== 'secp256k1_prehashed') throw new AgentError('Unsupported algorithm')
  if (data.length !== 32) throw new AgentError('Pre-hashed data must be 32 bytes')
  return data
}

function verify(fields: Fields): unknown {
  const algorithm = text(fields, 'algorithm')
  const data = bytes(fields, 'data')
  const signature = bytes(fields, 'signature')
  const publicKey = bytes(fields, 'public_key')
  if (signature.length !== 64) throw new AgentError('signature: expected 64 bytes')
  if (algorithm === 'ed25519') {
    if (publicKey.length !== 32) throw new AgentError('public_key: expected 32 bytes')
    return { valid: verifyEd25519(signature, data, publicKey) }
  }
  if (publicKey.length !== 33) throw new AgentError('public_key: expected 33 bytes')
  const digest = toHex(signedDigest(algorithm, data))
  const address = addressOfPublicKey(publicKey)
  // The signature carries no recovery bit: it is valid when one of the two recovers to the key.
  const valid = [27, 28].some((v) => {
    try {
      return recoverAddress(digest, toHex(concatBytes(signature, Uint8Array.of(v)))) === address
    } catch (error) {
      if (error instanceof ProtocolError) return false
      throw error
    }
  })
  return { valid }
}

function emitEvent(td: SimulatedTd, fields: Fields): unknown {
  if (td.profile !== '0.5.11') {
    throw new AgentError('EmitEvent was removed: runtime RTMR3 events are system-owned')
  }
  const event = text(fields, 'event')
  if (event === '') throw new AgentError('event name is empty')
  td.emitEvent(event, bytes(fields, 'payload'))
  return {}
}
