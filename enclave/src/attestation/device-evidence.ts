import { toBareHex, utf8, type GpuDeviceEvidence, type JsonValue } from '@jeju/verifier/protocol'
import type { Gpus } from '../gpu/gpus.ts'

/** What NVIDIA's tools call one device's evidence. */
interface DeviceItem {
  readonly [name: string]: JsonValue
  readonly arch: string
  readonly certificate: string
  readonly evidence: string
  readonly nonce: string
}

/** Devices of one kind as other dialects write them; empty on a CPU-only node, which is the honest "no GPU". */
export interface DeviceItems {
  readonly gpus: readonly DeviceItem[]
  readonly switches: readonly DeviceItem[]
}

/** Asks every device over a nonce as a dialect makes it, 32 bytes. @throws NodeError `attestation_busy`, GpuError */
export async function collectItems(
  gpus: Gpus | undefined,
  nonce: Uint8Array,
): Promise<DeviceItems> {
  const devices = gpus === undefined ? [] : await gpus.collect(nonce, 'challenge')
  const items = (kind: GpuDeviceEvidence['kind']): readonly DeviceItem[] =>
    devices
      .filter((device) => device.kind === kind)
      .map(({ architecture, certificates, report }) => ({
        arch: architecture,
        certificate: base64(utf8(certificates)),
        evidence: base64(report),
        nonce: toBareHex(nonce),
      }))
  return { gpus: items('gpu'), switches: items('switch') }
}

/**
 * `nvidia_payload` and, where there are switches, `nvswitch_payload`: JSON in a text, each in the form in which NVIDIA's
 * service takes it (vllm-proxy; NRAS, attest).
 */
export function nvidiaPayloads(
  { gpus, switches }: DeviceItems,
  nonce: Uint8Array,
): Readonly<Record<string, string>> {
  return {
    nvidia_payload: payload(gpus, nonce),
    ...(switches.length === 0 ? {} : { nvswitch_payload: payload(switches, nonce) }),
  }
}

function payload(items: readonly DeviceItem[], nonce: Uint8Array): string {
  return JSON.stringify({
    nonce: toBareHex(nonce),
    evidence_list: items.map(({ arch, certificate, evidence }) => ({
      arch,
      certificate,
      evidence,
    })),
    arch: items[0]?.arch ?? '',
  })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
