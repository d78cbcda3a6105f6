import { VerifierError } from '../../errors.ts'
import { FileView } from './file-view.ts'

/** Guest memory from which on QEMU puts the RAM disk at one place; the digest at exactly 2 GiB is the same. */
const HIGH_MEMORY = 0xb000_0000n
const TWO_GIB = 0x8000_0000n
const ACPI_DATA_BYTES = 0x2_8000
const DEFAULT_INITRD_MAX = 0x37ff_ffff
const MIN_KERNEL_BYTES = 0x1000
const HIGH_LOADED = 1
const CAN_USE_HEAP = 0x80
const ABOVE_4G = 0x40
const QEMU_LOADER = 0xb0

/** Whether a digest measured with much memory holds at this size too. */
export function atHighMemoryPlace(memory: bigint): boolean {
  return memory === TWO_GIB || memory >= HIGH_MEMORY
}

/**
 * The kernel as QEMU before 10.2 hands it to firmware that does not restore the setup header: QEMU writes into it what
 * a boot loader would (Linux x86 boot protocol, "The Real-Mode Kernel Header"). `memory` in bytes.
 * @throws VerifierError `KERNEL_INVALID`
 */
export function patchedKernel(kernel: Uint8Array, initrdBytes: number, memory: bigint): Uint8Array {
  if (kernel.length < MIN_KERNEL_BYTES) throw invalid(`${kernel.length} bytes`)
  const file = new FileView(kernel, 'KERNEL_INVALID', 'kernel')
  const protocol = file.uint16(0x206, 'boot protocol')
  // Older ones lay the command line out otherwise; no such kernel runs in a TD.
  if (protocol < 0x203) throw invalid(`boot protocol 0x${protocol.toString(16)}`)
  const patched = new Uint8Array(kernel)
  const view = new DataView(patched.buffer)
  const loadFlags = view.getUint8(0x211)
  const high = (loadFlags & HIGH_LOADED) !== 0
  const [real, cmdline] = high ? [0x1_0000, 0x2_0000] : [0x9_0000, 0x9_a000]
  view.setUint8(0x210, QEMU_LOADER)
  view.setUint8(0x211, loadFlags | CAN_USE_HEAP)
  view.setUint32(0x224, cmdline - real - 0x200, true)
  view.setUint32(0x228, cmdline, true)
  if (initrdBytes > 0) {
    const end = initrdEnd(initrdMax(file, protocol), memory)
    if (initrdBytes >= end) throw invalid(`no room for a RAM disk of ${initrdBytes} bytes`)
    const place = end - initrdBytes
    view.setUint32(0x218, place - (place % 0x1000), true)
    view.setUint32(0x21c, initrdBytes, true)
  }
  return patched
}

/** The highest address that the kernel allows for the RAM disk. */
function initrdMax(file: FileView, protocol: number): number {
  if (protocol >= 0x20c) {
    return (file.uint16(0x236, 'xloadflags') & ABOVE_4G) !== 0 ? 0xffff_ffff : DEFAULT_INITRD_MAX
  }
  const stated = file.uint32(0x22c, 'initrd_addr_max')
  return stated === 0 ? DEFAULT_INITRD_MAX : stated
}

/** The same, in a machine of this memory. */
function initrdEnd(max: number, memory: bigint): number {
  const low = memory < HIGH_MEMORY ? HIGH_MEMORY : TWO_GIB
  const below4g = memory < low ? memory : low
  const available = Number(below4g) - ACPI_DATA_BYTES
  if (available <= 0) throw invalid(`no room for ACPI data in ${memory} bytes`)
  return max >= available ? available - 1 : max
}

function invalid(what: string): VerifierError {
  return new VerifierError('KERNEL_INVALID', `kernel: ${what}`)
}
