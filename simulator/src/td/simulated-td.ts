import { randomBytes } from 'node:crypto'
import {
  concatBytes,
  sha256,
  sha384,
  toBareHex,
  toHex,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'
import type { SimulatedPlatform } from '../platform.ts'
import { encodeTdReport, TD_ATTRIBUTES } from '../quote/td-report.ts'
import { bootEvents, replay, runtimeEvent, type LogEvent } from './event-log.ts'
import { appKeysOf, type AppKeys } from './key-derivation.ts'

/** The dstack release a guest behaves like. */
export type Profile = '0.5.11' | '0.6.0'

/** Ways in which a TD, or what serves for it, can lie. Each is one attack of the verifier's tests. */
export interface TdLies {
  /** Launch as a debuggable TD (attack A8). */
  readonly debug?: boolean
  /** Change the RTMR3 events before they are measured (attacks A2 to A4). */
  readonly runtimeEvents?: (events: readonly LogEvent[]) => readonly LogEvent[]
  /** Change the log after it was measured (attack A1). */
  readonly servedEvents?: (events: readonly LogEvent[]) => readonly LogEvent[]
  /** Put something else into MRCONFIGID (attack A8). */
  readonly mrConfigId?: Uint8Array
}

/** Settings of a launch. */
export interface LaunchOptions {
  /** Exact app-compose.json bytes. */
  readonly appCompose: Uint8Array
  readonly profile?: Profile
  /** GPUs and switches that the host passes through. None unless given. */
  readonly devices?: { readonly gpus: number; readonly switches: number }
  readonly lies?: TdLies
}

/** A running TD: measured from its compose bytes up, self-consistent down to the quote. */
export interface SimulatedTd {
  readonly platform: SimulatedPlatform
  readonly profile: Profile
  readonly appCompose: Uint8Array
  readonly composeHash: Hex
  /** 20 bytes. */
  readonly appId: Uint8Array
  /** 20 bytes. */
  readonly instanceId: Uint8Array
  readonly osImageHash: Uint8Array
  readonly keyProvider: string
  readonly keys: AppKeys
  /** The log as it is served; grows with every emitted event. */
  events(): readonly LogEvent[]
  /** Registers now. */
  readonly measurements: {
    readonly mrtd: Hex
    readonly rtmr0: Hex
    readonly rtmr1: Hex
    readonly rtmr2: Hex
    readonly rtmr3: Hex
  }
  readonly vmConfig: string
  /** Quote over 64 bytes of report data. */
  quote(reportData: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
  /** Extends RTMR3, as applications could until 0.5.11. */
  emitEvent(name: string, payload: Uint8Array): void
}

const OS_IMAGE = 'simulated-os'
const CPU_COUNT = 2
const MEMORY_BYTES = 2 * 1024 ** 3

/** Launches a TD from exact app-compose bytes. */
export function launchTd(platform: SimulatedPlatform, options: LaunchOptions): SimulatedTd {
  const { appCompose, profile = '0.5.11', lies = {} } = options
  const { devices = { gpus: 0, switches: 0 } } = options
  const composeHash = sha256(appCompose)
  const appId = composeHash.slice(0, 20)
  const instanceId = sha256(concatBytes(randomBytes(20), appId)).slice(0, 20)
  const osImageHash = sha256(utf8(`${OS_IMAGE}/${profile}`))
  const keyProvider = JSON.stringify({
    name: 'kms',
    id: toBareHex(platform.kms.caPublicKeyInfo),
  })
  const facts = { composeHash, appId, instanceId, osImageHash, keyProvider, gpus: devices.gpus }
  const measuredRuntime = (lies.runtimeEvents ?? same)(runtimeEvents(profile, facts))
  let measured: readonly LogEvent[] = [...bootEvents(`${OS_IMAGE}/${profile}`), ...measuredRuntime]
  const mrTd = sha384(utf8(`${OS_IMAGE}/${profile}/mrtd`))
  const mrConfigId =
    lies.mrConfigId ?? concatBytes(Uint8Array.of(1), composeHash, new Uint8Array(15))
  const rtmr = (imr: number): Uint8Array<ArrayBuffer> => replay(measured, imr)

  return {
    platform,
    profile,
    appCompose,
    composeHash: toHex(composeHash),
    appId,
    instanceId,
    osImageHash,
    keyProvider,
    keys: appKeysOf(platform.kms.rootKey, appId),
    events: () => (lies.servedEvents ?? same)(measured),
    get measurements() {
      return {
        mrtd: toHex(mrTd),
        rtmr0: toHex(rtmr(0)),
        rtmr1: toHex(rtmr(1)),
        rtmr2: toHex(rtmr(2)),
        rtmr3: toHex(rtmr(3)),
      }
    },
    vmConfig: JSON.stringify({
      spec_version: 1,
      os_image_hash: toBareHex(osImageHash),
      cpu_count: CPU_COUNT,
      memory_size: MEMORY_BYTES,
      qemu_version: '8.2.2',
      pci_hole64_size: 0,
      hugepages: false,
      num_gpus: devices.gpus,
      num_nvswitches: devices.switches,
      hotplug_off: true,
    }),
    quote: async (reportData) =>
      platform.quotingEnclave.quote(
        encodeTdReport({
          tdAttributes: attributes(lies.debug === true),
          mrTd,
          mrConfigId,
          rtmrs: [rtmr(0), rtmr(1), rtmr(2), rtmr(3)],
          reportData,
        }),
      ),
    emitEvent: (name, payload) => {
      measured = [...measured, runtimeEvent(name, payload)]
    },
  }
}

function same(events: readonly LogEvent[]): readonly LogEvent[] {
  return events
}

function attributes(debug: boolean): Uint8Array {
  const value = TD_ATTRIBUTES.slice()
  if (debug) value[0] = 1
  return value
}

/** What a guest measures of itself at boot. */
interface BootFacts {
  readonly composeHash: Uint8Array
  readonly appId: Uint8Array
  readonly instanceId: Uint8Array
  readonly osImageHash: Uint8Array
  readonly keyProvider: string
  readonly gpus: number
}

const NOTHING = new Uint8Array(0)

/** RTMR3 events in the order of each release, with a KMS. */
function runtimeEvents(profile: Profile, facts: BootFacts): readonly LogEvent[] {
  const begin = [
    runtimeEvent('system-preparing', NOTHING),
    runtimeEvent('app-id', facts.appId),
    runtimeEvent('compose-hash', facts.composeHash),
  ]
  const middle = [
    runtimeEvent('instance-id', facts.instanceId),
    runtimeEvent('boot-mr-done', NOTHING),
  ]
  const end = [
    runtimeEvent('os-image-hash', facts.osImageHash),
    runtimeEvent('key-provider', utf8(facts.keyProvider)),
    runtimeEvent('storage-fs', utf8('zfs')),
    runtimeEvent('system-ready', NOTHING),
  ]
  return profile === '0.5.11'
    ? [...begin, ...middle, runtimeEvent('mr-kms', sha256(utf8('simulated kms'))), ...end]
    : [...begin, ...gpuEvents(facts.gpus), ...middle, ...end]
}

/** What dstack 0.6 says of GPUs: its policy always, and what it found at boot where there are some. */
function gpuEvents(gpus: number): readonly LogEvent[] {
  const policy = runtimeEvent('gpu-policy-hash', sha256(utf8('{}')))
  if (gpus === 0) return [policy]
  const payload = JSON.stringify({
    version: 3,
    provider: 'nvidia',
    devices: gpus,
    cc_mode: 'on',
    devtools: false,
    dbgstat: 'disabled',
    secboot: true,
    evidence_sha256: toBareHex(sha256(utf8('simulated boot evidence'))),
  })
  return [policy, runtimeEvent('gpu-attestation', utf8(payload))]
}
