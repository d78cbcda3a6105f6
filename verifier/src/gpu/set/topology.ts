import { CheckFailure } from '../../report/check-failure.ts'
import type { KnownDevice } from '../device/known-device.ts'

/** A chassis in Protected PCIe mode. */
const PPCIE_GPUS = 8
const PPCIE_SWITCHES = 4

/**
 * GPUs in Protected PCIe mode send over NVLink in clear, so the switches between them belong to what is trusted: all of
 * the chassis is there, every GPU names exactly these switches, every switch exactly these GPUs. That a PDI is the tail
 * of a BROM serial is observed, not documented.
 * @throws CheckFailure
 */
export function requireTopology(
  devices: readonly KnownDevice[],
): Readonly<Record<string, unknown>> {
  const gpus = devices.filter(({ device }) => device.kind === 'gpu')
  const switches = devices.filter(({ device }) => device.kind === 'switch')
  if (!gpus.some(({ facts }) => facts.mode === 'PPCIE')) {
    if (switches.length === 0) return { switches: 'not part of this mode' }
    throw new CheckFailure('GPU_TOPOLOGY_INVALID', 'switches of GPUs in PPCIE mode', 'another mode')
  }
  if (switches.length !== PPCIE_SWITCHES) {
    const expected = `${PPCIE_SWITCHES} switches beside GPUs in PPCIE mode`
    throw new CheckFailure('NVSWITCH_MISSING', expected, String(switches.length))
  }
  if (gpus.length !== PPCIE_GPUS) {
    throw new CheckFailure(
      'GPU_COUNT_MISMATCH',
      `${PPCIE_GPUS} GPUs in PPCIE mode`,
      `${gpus.length}`,
    )
  }
  const pdisOf = (known: readonly KnownDevice[]): string =>
    setText(known.map(({ device }) => device.pdi))
  const wantedSwitches = pdisOf(switches)
  for (const { facts, device } of gpus) {
    requireSame(`GPU ${device.pdi}: links to`, wantedSwitches, setText(facts.switchPdis))
  }
  const wantedGpus = pdisOf(gpus)
  for (const { facts, device } of switches) {
    requireSame(`switch ${device.pdi}: connects`, wantedGpus, setText(facts.gpuPdis))
  }
  return { gpus: PPCIE_GPUS, switches: PPCIE_SWITCHES }
}

function setText(pdis: readonly string[]): string {
  return [...new Set(pdis)].toSorted().join(', ')
}

function requireSame(what: string, expected: string, actual: string): void {
  if (expected !== actual)
    throw new CheckFailure('GPU_TOPOLOGY_INVALID', `${what} ${expected}`, actual)
}
