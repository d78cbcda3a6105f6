import type { GpuLies, SimulatedGpus, SpdmContent } from '@jeju/simulator/gpu'
import type { GpuContext, GpuReport } from '@jeju/verifier/gpu'
import { gpusOf, judge, nonce } from './fixture.ts'

/** Honest machines, and the ways to lie in one thing: the tests say which one check objects. */

export const hopper: SimulatedGpus = gpusOf()
export const two: SimulatedGpus = gpusOf({ machine: 'blackwell', count: 2 })
export const ppcie: SimulatedGpus = gpusOf({ machine: 'hopper-ppcie' })

/** Another measurement at that index, which counts from 0. */
export function measured(content: SpdmContent, index: number, value: Uint8Array): SpdmContent {
  const measurements = content.measurements.map((old, at) => (at === index ? value : old))
  return { ...content, measurements }
}

/** Another record of opaque data, or none. */
export function reported(
  content: SpdmContent,
  id: number,
  data: Uint8Array | undefined,
): SpdmContent {
  const opaque = content.opaque.flatMap((record) =>
    record.id !== id ? [record] : data === undefined ? [] : [{ ...record, data }],
  )
  return { ...content, opaque }
}

/** One bit flipped; from the end where negative. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice()
  const index = at < 0 ? changed.length + at : at
  changed[index] = (changed[index] ?? 0) ^ 1
  return changed
}

/** Judges a machine that lies. */
export function lied(
  lies: GpuLies,
  gpus: SimulatedGpus = hopper,
  changes: Partial<GpuContext> = {},
): Promise<GpuReport> {
  return judge(gpus, gpus.evidence(nonce, lies), changes)
}
