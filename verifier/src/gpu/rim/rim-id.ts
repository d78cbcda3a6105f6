import { CheckFailure } from '../../report/check-failure.ts'
import type { ChipFamily } from '../device/chip-family.ts'
import type { DeviceFacts } from '../spdm/device-facts.ts'

/** A RIM that a device needs, and what the document must then say. */
export interface WantedRim {
  readonly id: string
  readonly of: 'driver' | 'VBIOS' | 'switch BIOS'
  readonly product: string
  readonly edition: 'GPU' | 'SWITCH'
  readonly version: string
}

/** Boards of switches have one name each. */
const SWITCH_BOARD = ['5612', '0002', '890']

/**
 * Ids of the RIMs of a device, out of what its report says. Both kinds of driver id are of one service: the id of
 * another chip would fetch a document that is signed, and of another chip.
 * @throws CheckFailure where a part is no part of an id
 */
export function wantedRims(facts: DeviceFacts, family: ChipFamily): readonly WantedRim[] {
  const { driverVersion = '', vbiosVersion, board, chipInfo } = facts
  const product = family.chip.replace('_', '')
  const bios = vbiosVersion.replaceAll('.', '').toUpperCase()
  if (family.kind === 'switch') {
    const id = idOf('NV_SWITCH_BIOS', ...SWITCH_BOARD, bios)
    return [{ id, of: 'switch BIOS', product, edition: 'SWITCH', version: vbiosVersion }]
  }
  const driverId =
    family.architecture === 'HOPPER'
      ? idOf('NV_GPU_DRIVER', family.chip, driverVersion)
      : idOf('NV_GPU_CC_DRIVER', chipInfo ?? 'GB100', driverVersion)
  const { project, projectSku, chipSku } = board
  const parts = [project, projectSku, chipSku].map((part) => part.toUpperCase())
  const vbiosId = idOf('NV_GPU_VBIOS', ...parts, bios)
  return [
    { id: driverId, of: 'driver', product, edition: 'GPU', version: driverVersion },
    { id: vbiosId, of: 'VBIOS', product, edition: 'GPU', version: vbiosVersion },
  ]
}

function idOf(kind: string, ...parts: readonly string[]): string {
  for (const part of parts) {
    if (!/^[0-9A-Za-z.]+$/.test(part)) {
      throw new CheckFailure('RIM_MISSING', `${kind}: parts of an id`, part === '' ? 'none' : part)
    }
  }
  return [kind, ...parts].join('_')
}
