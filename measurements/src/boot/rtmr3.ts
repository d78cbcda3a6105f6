import { replayRtmr3, type RuntimeEvent } from '@jeju/verifier/measure'
import {
  canonicalJson,
  concatBytes,
  fromHex,
  sha256,
  toHex,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'

/** What a dstack guest measures into RTMR3 while it boots. */
export interface RuntimeFacts {
  /** Which guest: 0.5 and 0.6 differ in the events and their order. */
  readonly guest: '0.5' | '0.6'
  readonly composeHash: Hex
  /** 20 bytes; the first 20 of the compose hash when absent, as without a KMS contract. */
  readonly appId?: Hex
  /** 20 bytes. */
  readonly instanceId: Hex
  readonly keyProvider: { readonly name: string; readonly id: string }
  /** What the KMS said of the image, 32 bytes; there is no event when absent. */
  readonly osImageHash?: Hex
  /** SHA-256 of each init script, 0.6 only. */
  readonly initScriptHashes?: readonly Hex[]
  /** `requirements.gpu_policy` of the compose file, 0.6 only. */
  readonly gpuPolicy?: Readonly<Record<string, boolean | string>>
  readonly storageFs: 'ext4' | 'zfs'
}

const APP_ID_BYTES = 20

/** The events of a boot in order, up to `system-ready` (dstack 0.5 and 0.6, system setup). */
export function runtimeEvents(facts: RuntimeFacts): readonly RuntimeEvent[] {
  const { guest, composeHash, instanceId, keyProvider, osImageHash, storageFs } = facts
  const hash = fromHex(composeHash, 32, 'composeHash')
  const image = osImageHash === undefined ? [] : [event('os-image-hash', fromHex(osImageHash, 32))]
  const since06 =
    guest === '0.5'
      ? []
      : [
          ...(facts.initScriptHashes ?? []).map((each) =>
            event('init-script-hash', fromHex(each, 32)),
          ),
          event('gpu-policy-hash', sha256(utf8(canonicalJson({ ...facts.gpuPolicy })))),
        ]
  return [
    event('system-preparing'),
    event(
      'app-id',
      facts.appId === undefined
        ? hash.slice(0, APP_ID_BYTES)
        : fromHex(facts.appId, APP_ID_BYTES, 'appId'),
    ),
    event('compose-hash', hash),
    ...since06,
    event('instance-id', fromHex(instanceId, APP_ID_BYTES, 'instanceId')),
    event('boot-mr-done'),
    ...image,
    event('key-provider', utf8(JSON.stringify({ name: keyProvider.name, id: keyProvider.id }))),
    event('storage-fs', utf8(storageFs)),
    event('system-ready'),
  ]
}

/** RTMR3 after these events, 48 bytes. */
export function rtmr3Of(events: readonly RuntimeEvent[]): Hex {
  return toHex(replayRtmr3(events))
}

/** MRCONFIGID of version 1, by which a verifier reads the compose hash without a log, 48 bytes. */
export function mrConfigIdV1(composeHash: Hex): Hex {
  return toHex(concatBytes(Uint8Array.of(1), fromHex(composeHash, 32), new Uint8Array(15)))
}

function event(name: string, payload: Uint8Array = new Uint8Array(0)): RuntimeEvent {
  return { name, payload, version: 1 }
}
