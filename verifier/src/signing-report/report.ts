import { utf8 } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { asTextOrNull, parseForeignJson } from '../dialect/foreign-json.ts'
import type { MachineEvidence } from '../machine/check-machine.ts'
import { asArray, asObject, asString } from '../protocol/shape.ts'

/** A report of the vllm-proxy dialect, read and not yet judged. */
export interface SigningReport {
  readonly quote: Uint8Array
  readonly signingAddress: string
  readonly signingAlgo: string
  readonly signingPublicKey: string | null
  readonly requestNonce: string | null
  /** Present exactly where the report data binds a TLS key. */
  readonly tlsFingerprint: string | null
  readonly nvidiaPayload: string | null
  /** Of switches, in the same form. */
  readonly nvswitchPayload: string | null
  readonly machine: MachineEvidence
}

const MAX_TEXT = 1024 * 1024

/** Reads the answer of `GET /v1/attestation/report`. @throws ProtocolError */
export function parseSigningReport(text: string): SigningReport {
  const report = asObject(parseForeignJson(text, 'report'), 'report')
  const info = asObject(parsedIfText(report['info'] ?? {}), 'info')
  const tcbInfo = asObject(parsedIfText(info['tcb_info'] ?? {}), 'info.tcb_info')
  const appCompose = asTextOrNull(tcbInfo['app_compose'], 'info.tcb_info.app_compose', MAX_TEXT)
  return {
    quote: fromBareHex(
      asString(report['intel_quote'], 'intel_quote', MAX_TEXT),
      undefined,
      'intel_quote',
    ),
    signingAddress: asString(report['signing_address'], 'signing_address', 128),
    signingAlgo: asTextOrNull(report['signing_algo'], 'signing_algo', 32) ?? 'ecdsa',
    signingPublicKey: asTextOrNull(report['signing_public_key'], 'signing_public_key', 132),
    requestNonce: asTextOrNull(report['request_nonce'], 'request_nonce', 66),
    tlsFingerprint: asTextOrNull(report['tls_cert_fingerprint'], 'tls_cert_fingerprint', 64),
    nvidiaPayload: asTextOrNull(report['nvidia_payload'], 'nvidia_payload', MAX_TEXT),
    nvswitchPayload: asTextOrNull(report['nvswitch_payload'], 'nvswitch_payload', MAX_TEXT),
    machine: {
      eventLog: logText(report['event_log'] ?? tcbInfo['event_log']),
      appCompose: utf8(appCompose ?? ''),
      vmConfig: asTextOrNull(report['vm_config'], 'vm_config', MAX_TEXT) ?? '',
    },
  }
}

/** Servers of the dialect send some members as an object, others as its JSON. */
function parsedIfText(value: unknown): unknown {
  return typeof value === 'string' ? parseForeignJson(value, 'info') : value
}

function logText(value: unknown): string {
  if (typeof value === 'string') return value
  return JSON.stringify(asArray(value, 'event_log', 4096))
}
