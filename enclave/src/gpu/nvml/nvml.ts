/** A call's return code, and what it gave. */
export interface NvmlResult<Value> {
  readonly code: number
  readonly value: Value
}

/** A device of NVML: the pointer that it hands out. */
export type NvmlDevice = bigint

/** The part of NVIDIA's management library that evidence takes. Every call blocks a thread of its own. */
export interface Nvml {
  init(): Promise<number>
  shutdown(): Promise<number>
  /** Undefined where the driver is older than this function. */
  readonly settings: ((buffer: Buffer) => Promise<number>) | undefined
  state(buffer: Buffer): Promise<number>
  count(): Promise<NvmlResult<number>>
  device(index: number): Promise<NvmlResult<NvmlDevice>>
  architecture(device: NvmlDevice): Promise<NvmlResult<number>>
  report(device: NvmlDevice, buffer: Buffer): Promise<number>
  certificates(device: NvmlDevice, buffer: Buffer): Promise<number>
}

/** Return codes of NVML that an operator can do something about. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [1, 'not initialised'],
  [2, 'invalid argument'],
  [3, 'not supported: is confidential computing on?'],
  [4, 'no permission'],
  [9, 'the driver is not loaded'],
  [12, 'library not found'],
  [13, 'function not found: the driver is too old'],
  [15, 'the GPU has fallen off the bus'],
  [16, 'the GPU needs a reset'],
  [17, 'blocked by the operating system or a cgroup'],
  [18, 'driver and library are of different versions'],
  [19, 'in use'],
  [25, 'another version of the argument'],
  [27, 'not ready'],
  [28, 'no GPU'],
  [29, 'invalid state'],
  [999, 'unknown'],
])

/** `NVML 15: the GPU has fallen off the bus`. */
export function nvmlText(code: number): string {
  return `NVML ${code}: ${MEANINGS.get(code) ?? 'see nvml.h'}`
}
