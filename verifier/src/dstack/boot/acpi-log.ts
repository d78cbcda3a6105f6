import type { AcpiDigests } from './rtmr0.ts'

/** What is read of an event log's entries. */
export interface BootLogEvent {
  readonly imr: number
  readonly eventType: number
  readonly digest: Uint8Array
}

/** EV_PLATFORM_CONFIG_FLAGS, as dstack's firmware logs ACPI data. */
const ACPI_DATA_TYPE = 0xa
const DIGEST_BYTES = 48

/**
 * The ACPI digests that a log states, whole or stripped; undefined unless it has exactly three. They are the host's
 * word until an RTMR0 computed with them is the signed one; then they were measured, and still nobody has judged
 * what the tables say (attack A6).
 */
export function acpiDigestsOf(log: readonly BootLogEvent[]): AcpiDigests | undefined {
  const found = log.filter(({ imr, eventType }) => imr === 0 && eventType === ACPI_DATA_TYPE)
  const [loader, rsdp, tables] = found.map(({ digest }) => digest)
  if (found.length !== 3 || loader === undefined || rsdp === undefined || tables === undefined) {
    return undefined
  }
  const whole = [loader, rsdp, tables].every(({ length }) => length === DIGEST_BYTES)
  return whole ? { loader, rsdp, tables } : undefined
}
