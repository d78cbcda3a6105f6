import { CheckFailure } from '../../report/check-failure.ts'
import type { KnownDevice } from '../device/known-device.ts'
import type { GpuPolicy } from '../gpu-policy.ts'

/**
 * Devices as one machine has them: as many GPUs as the policy says, none twice by key, serial or chip, all of one
 * architecture, driver and mode.
 * @throws CheckFailure
 */
export function requireOneSet(
  devices: readonly KnownDevice[],
  { count }: GpuPolicy,
): Readonly<Record<string, unknown>> {
  const gpus = devices.filter(({ device }) => device.kind === 'gpu')
  for (const [what, idOf] of IDENTITIES) {
    const seen = new Set<string>()
    for (const known of devices) {
      const id = idOf(known)
      if (seen.has(id)) throw new CheckFailure('GPU_DUPLICATE', `each ${what} once`, `${id} twice`)
      seen.add(id)
    }
  }
  if (gpus.length < count.min || gpus.length > count.max) {
    const expected = `${count.min} to ${count.max} GPUs`
    throw new CheckFailure('GPU_COUNT_MISMATCH', expected, String(gpus.length))
  }
  return {
    gpus: gpus.length,
    switches: devices.length - gpus.length,
    architecture: oneOf('architecture', gpus, ({ device }) => device.architecture),
    driver: oneOf('driver', gpus, ({ facts }) => facts.driverVersion ?? 'none'),
    mode: oneOf('mode', gpus, ({ facts }) => facts.mode),
  }
}

/** What no two devices share. The ueid is not among them: one device has another with another driver. */
const IDENTITIES: readonly (readonly [string, (known: KnownDevice) => string])[] = [
  ['device key', ({ device }) => device.identity],
  ['BROM serial', ({ chain }) => chain.brom.serial],
  ['chip id', ({ device }) => device.chipId],
]

function oneOf(
  what: string,
  gpus: readonly KnownDevice[],
  valueOf: (known: KnownDevice) => string,
): string {
  const values = [...new Set(gpus.map(valueOf))]
  const [value] = values
  if (value === undefined || values.length > 1) {
    throw new CheckFailure('GPU_SET_MIXED', `one ${what}`, values.join(', '))
  }
  return value
}
