import { fromHex } from '@jeju/verifier/protocol'
import { parseVmConfig, type AcpiDigests, type VmConfig } from '@jeju/verifier/measure'
import type { VmShape } from '../release/schema.ts'

/** A shape as the verifier computes with it, by the verifier's own reading of a vm_config. */
export function vmOf({
  memoryBytes,
  qemuVersion,
}: Pick<VmShape, 'memoryBytes' | 'qemuVersion'>): VmConfig {
  return parseVmConfig(
    JSON.stringify({
      os_image_hash: '00'.repeat(32),
      memory_size: memoryBytes,
      qemu_version: qemuVersion,
    }),
  )
}

/** ACPI digests of a shape as bytes. */
export function acpiOf({ acpi }: Pick<VmShape, 'acpi'>): AcpiDigests {
  return {
    loader: fromHex(acpi.loader, 48, 'acpi.loader'),
    rsdp: fromHex(acpi.rsdp, 48, 'acpi.rsdp'),
    tables: fromHex(acpi.tables, 48, 'acpi.tables'),
  }
}
