import type { LibraryHandle } from 'koffi'
import { GpuError } from '../gpu-error.ts'
import type { Nvml, NvmlResult } from './nvml.ts'

/** NVIDIA's own name: the driver's toolkit mounts it into the container, and nothing outside names another. */
export const NVML_LIBRARY = 'libnvidia-ml.so.1'

type NativeFunction = ReturnType<LibraryHandle['func']>
type Call = (...args: readonly unknown[]) => Promise<number>

/**
 * NVML through koffi; the only file that knows it. Structs are passed as bytes and read at their offsets, so that no
 * foreign layout is trusted; a device is a pointer, which x64 passes as it passes an integer of 64 bits. Calls are made
 * on a thread of their own, since NVML blocks.
 * @throws GpuError `GPU_NO_SOURCE`, `GPU_DRIVER`
 */
export async function openNvml(library: string = NVML_LIBRARY): Promise<Nvml> {
  const handle = await load(library)
  const call = (name: string, args: readonly string[]): Call => promised(bind(handle, name, args))
  const [init, shutdown] = [call('nvmlInit_v2', []), call('nvmlShutdown', [])]
  const state = call('nvmlSystemGetConfComputeState', ['void *'])
  const count = call('nvmlDeviceGetCount_v2', ['void *'])
  const device = call('nvmlDeviceGetHandleByIndex_v2', ['uint32_t', 'void *'])
  const architecture = call('nvmlDeviceGetArchitecture', ['uint64_t', 'void *'])
  const report = call('nvmlDeviceGetConfComputeGpuAttestationReport', ['uint64_t', 'void *'])
  const certificates = call('nvmlDeviceGetConfComputeGpuCertificate', ['uint64_t', 'void *'])
  const settings = optional(handle, 'nvmlSystemGetConfComputeSettings', ['void *'])
  return {
    init: () => init(),
    shutdown: () => shutdown(),
    settings: settings && ((buffer) => settings(buffer)),
    state: (buffer) => state(buffer),
    count: () => word((out) => count(out)),
    device: async (index) => {
      const out = Buffer.alloc(8)
      return { code: await device(index, out), value: out.readBigUInt64LE(0) }
    },
    architecture: (of) => word((out) => architecture(of, out)),
    report: (of, buffer) => report(of, buffer),
    certificates: (of, buffer) => certificates(of, buffer),
  }
}

async function load(library: string): Promise<LibraryHandle> {
  const koffi = await import('koffi').catch(() => undefined)
  if (koffi === undefined) {
    throw new GpuError('GPU_NO_SOURCE', 'koffi is not installed: it calls NVIDIA’s library')
  }
  try {
    return koffi.load(library)
  } catch {
    throw new GpuError('GPU_NO_SOURCE', `${library}: cannot be loaded`)
  }
}

/** A function that is missing shows when it is declared. */
function bind(handle: LibraryHandle, name: string, args: readonly string[]): NativeFunction {
  try {
    return handle.func(name, 'int', [...args])
  } catch {
    throw new GpuError('GPU_DRIVER', `${name}: not in the library; the driver is too old`)
  }
}

function optional(handle: LibraryHandle, name: string, args: readonly string[]): Call | undefined {
  try {
    return promised(handle.func(name, 'int', [...args]))
  } catch {
    return undefined
  }
}

function promised(native: NativeFunction): Call {
  return (...args) =>
    new Promise((resolve, reject) => {
      native.async(...args, (error: unknown, code: number) => {
        if (error instanceof Error) reject(error)
        else resolve(code)
      })
    })
}

async function word(call: (out: Buffer) => Promise<number>): Promise<NvmlResult<number>> {
  const out = Buffer.alloc(4)
  return { code: await call(out), value: out.readUInt32LE(0) }
}
