/** What went wrong with this machine's GPUs. */
export type GpuErrorCode =
  | 'GPU_NO_SOURCE' // the guest agent has no AttestGpu, and NVIDIA's library is not there
  | 'GPU_DRIVER' // driver or library refused: the text has NVML's code and its meaning
  | 'GPU_NOT_FOUND' // no GPU
  | 'GPU_MODE' // confidential computing is off, or developer tools are on
  | 'GPU_ANSWER' // what came is no evidence over the nonce that was asked
  | 'GPU_DEVICES' // one device twice, or others than the statement names
  | 'GPU_SWITCHES' // Protected PCIe mode, and no evidence of the switches
  | 'GPU_TIMEOUT' // a driver that does not come back

/** A failure of the GPUs. Everything in the text is public. */
export class GpuError extends Error {
  override readonly name = 'GpuError'
  readonly code: GpuErrorCode

  constructor(code: GpuErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
