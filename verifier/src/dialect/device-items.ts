import { fromBase64 } from '../bytes/base64.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { asArray, asObject, asOneOf, asString } from '../protocol/shape.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { parseForeignJson } from './foreign-json.ts'

const MAX_DEVICES = 64
const MAX_BASE64 = 32 * 1024

/** The two texts in which reports of several dialects carry devices. */
export interface DevicePayloads {
  readonly nvidiaPayload: string | null
  /** Of switches, in the same form. */
  readonly nvswitchPayload: string | null
}

/** Devices of both; none where neither is there, or their lists are empty: the honest "no GPU". @throws ProtocolError */
export function devicesOfPayloads(
  { nvidiaPayload, nvswitchPayload }: DevicePayloads,
  nonce: string,
): readonly GpuDeviceEvidence[] {
  return [
    ...(nvidiaPayload === null ? [] : devicesOfPayload(nvidiaPayload, nonce, 'nvidia_payload')),
    ...(nvswitchPayload === null
      ? []
      : devicesOfPayload(nvswitchPayload, nonce, 'nvswitch_payload')),
  ]
}

/**
 * Devices of an `nvidia_payload` (vllm-proxy; NRAS, attest): JSON in a text, with a nonce that is only what it says.
 * @throws ProtocolError
 */
function devicesOfPayload(
  text: string,
  nonce: string,
  place: string,
): readonly GpuDeviceEvidence[] {
  const payload = asObject(parseForeignJson(text, place), place)
  const said = asString(payload['nonce'], `${place}.nonce`, 64)
  // Clients in the field compare without case.
  if (said.toLowerCase() !== nonce) {
    throw new ProtocolError('INPUT_FIELD', `${place}.nonce: expected ${nonce}, got ${said}`)
  }
  return asArray(payload['evidence_list'], `${place}.evidence_list`, MAX_DEVICES).map((entry) => {
    const item = asObject(entry, `${place}.evidence_list[]`)
    return deviceOf({ ...item, arch: item['arch'] ?? payload['arch'] }, `${place}.evidence_list[]`)
  })
}

/** One device: base64 of its report and of its certificates in PEM, and what it calls itself. @throws ProtocolError */
export function deviceOf(
  item: Readonly<Record<string, unknown>>,
  place: string,
): GpuDeviceEvidence {
  const architecture = asOneOf(item['arch'], `${place}.arch`, ['HOPPER', 'BLACKWELL', 'LS10'])
  const bytesOf = (name: string): Uint8Array =>
    fromBase64(asString(item[name], `${place}.${name}`, MAX_BASE64), `${place}.${name}`)
  return {
    kind: architecture === 'LS10' ? 'switch' : 'gpu',
    architecture,
    report: bytesOf('evidence'),
    certificates: new TextDecoder('latin1').decode(bytesOf('certificate')),
  }
}
