import { hkdfSync, randomBytes } from 'node:crypto'

/** Where keys and serial numbers come from; the label says what the bytes are for. */
export type RandomSource = (label: string, length: number) => Uint8Array<ArrayBuffer>

/** Fresh bytes on every call. */
export const systemRandom: RandomSource = (_label, length) => new Uint8Array(randomBytes(length))

/** The same bytes for the same label. Whoever knows the seed has every key made from it. */
export function seededRandom(seed: string): RandomSource {
  return (label, length) =>
    new Uint8Array(hkdfSync('sha256', seed, 'jeju-compute-simulator', label, length))
}
