import type { GpuDeviceEvidence } from '@jeju/verifier/protocol'
import type { DeviceSource } from '../device-source.ts'
import { GpuError } from '../gpu-error.ts'
import {
  certificateBuffer,
  readCertificates,
  readReport,
  readSettings,
  readState,
  reportBuffer,
  settingsBuffer,
  stateBuffer,
  type ConfidentialSettings,
} from '../nvml/layout.ts'
import { nvmlText, type Nvml } from '../nvml/nvml.ts'

/** nvmlDeviceArchitecture_t of what can be verified. */
const ARCHITECTURES: ReadonlyMap<number, 'HOPPER' | 'BLACKWELL'> = new Map([
  [9, 'HOPPER'],
  [10, 'BLACKWELL'],
])
/** nvml.h knows no more devices than this on one machine. */
const MAX_DEVICES = 64

/**
 * GPUs through NVML. The library stays initialised between collections: in confidential mode a driver whose last user
 * leaves may not come back before the next reset. After a failure it is left, and the next collection starts anew.
 */
export function nvmlGpus(nvml: Nvml): DeviceSource {
  let isOpen = false
  const open = async (): Promise<void> => {
    if (isOpen) return
    requireSuccess(await nvml.init(), 'nvmlInit')
    isOpen = true
  }
  const leave = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await nvml.shutdown()
  }
  return {
    name: 'nvml',
    collect: async (nonce) => {
      try {
        await open()
        requireConfidential(await settingsOf(nvml))
        const { code, value: count } = await nvml.count()
        requireSuccess(code, 'nvmlDeviceGetCount')
        if (count === 0 || count > MAX_DEVICES) {
          throw new GpuError('GPU_NOT_FOUND', `NVML: expected a GPU, got ${count}`)
        }
        const devices: GpuDeviceEvidence[] = []
        for (let index = 0; index < count; index++) {
          devices.push(await collectOne(nvml, index, nonce))
        }
        return devices
      } catch (error) {
        await leave()
        throw error
      }
    },
    close: leave,
  }
}

async function collectOne(
  nvml: Nvml,
  index: number,
  nonce: Uint8Array,
): Promise<GpuDeviceEvidence> {
  const place = `GPU ${index}`
  const { code, value: device } = await nvml.device(index)
  requireSuccess(code, `${place}: nvmlDeviceGetHandleByIndex`)
  const found = await nvml.architecture(device)
  requireSuccess(found.code, `${place}: nvmlDeviceGetArchitecture`)
  const architecture = ARCHITECTURES.get(found.value)
  if (architecture === undefined) {
    throw new GpuError('GPU_ANSWER', `${place}: expected Hopper or Blackwell, got ${found.value}`)
  }
  const report = reportBuffer(nonce)
  requireSuccess(await nvml.report(device, report), `${place}: attestation report`)
  const certificates = certificateBuffer()
  requireSuccess(await nvml.certificates(device, certificates), `${place}: certificates`)
  return {
    kind: 'gpu',
    architecture,
    report: readReport(report, place),
    certificates: readCertificates(certificates, place),
  }
}

async function settingsOf(nvml: Nvml): Promise<ConfidentialSettings> {
  const settings = settingsBuffer()
  if (nvml.settings !== undefined && (await nvml.settings(settings)) === 0) {
    return readSettings(settings)
  }
  const state = stateBuffer()
  requireSuccess(await nvml.state(state), 'nvmlSystemGetConfComputeState')
  return readState(state)
}

/** Protected PCIe shows confidential computing as off: the mode is its own. */
function requireConfidential(settings: ConfidentialSettings): void {
  const { environment, confidential, developerTools, severalGpus } = settings
  const isOn = confidential || severalGpus === 'protected-pcie'
  if (!isOn) throw new GpuError('GPU_MODE', 'confidential computing is off')
  if (developerTools) throw new GpuError('GPU_MODE', 'developer tools are on')
  if (environment === 'simulation' || (confidential && environment !== 'production')) {
    throw new GpuError('GPU_MODE', `environment: expected production, got ${environment}`)
  }
}

function requireSuccess(code: number, what: string): void {
  if (code === 0) return
  const kind = code === 28 ? 'GPU_NOT_FOUND' : code === 3 ? 'GPU_MODE' : 'GPU_DRIVER'
  throw new GpuError(kind, `${what}: ${nvmlText(code)}`)
}
