import { CheckFailure } from '../../report/check-failure.ts'
import type { KnownDevice } from '../device/known-device.ts'
import { isVersion, type GpuPolicy } from '../gpu-policy.ts'

/** Architecture, driver and reference values that the policy takes. @throws CheckFailure */
export function requireAllowed(
  devices: readonly KnownDevice[],
  { architectures, minDriver, rimIds }: GpuPolicy,
): Readonly<Record<string, unknown>> {
  for (const { device } of devices) {
    const { kind, architecture, driverVersion = '' } = device
    if (kind === 'gpu') {
      if (!architectures.some((allowed) => allowed === architecture)) {
        const expected = `architecture ${architectures.join(' or ')}`
        throw new CheckFailure('GPU_NOT_ALLOWED', expected, architecture)
      }
      if (minDriver !== 'any' && !isAtLeast(driverVersion, minDriver)) {
        throw new CheckFailure('GPU_NOT_ALLOWED', `driver ${minDriver} or later`, driverVersion)
      }
    }
    const other = rimIds === 'any' ? undefined : device.rimIds.find((id) => !rimIds.includes(id))
    if (other !== undefined) {
      throw new CheckFailure('GPU_NOT_ALLOWED', 'a RIM id that the policy lists', other)
    }
  }
  return { minDriver, rimIds: devices.flatMap(({ device }) => device.rimIds) }
}

function isAtLeast(version: string, least: string): boolean {
  if (!isVersion(version)) return false
  const [have, want] = [version, least].map((text) => text.split('.').map(Number))
  for (const [index, number] of (want ?? []).entries()) {
    const own = have?.[index] ?? 0
    if (own !== number) return own > number
  }
  return true
}
