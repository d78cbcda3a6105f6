/** A kind of device that can be simulated, with the names that NVIDIA's have. */
export interface Chip {
  readonly kind: 'gpu' | 'switch'
  readonly architecture: 'HOPPER' | 'BLACKWELL' | 'LS10'
  /** As certificates begin. */
  readonly name: 'GH100' | 'GB100' | 'LS_10'
  /** As RIMs say. */
  readonly product: 'GH100' | 'GB100' | 'LS10'
  readonly processor: 'GSP' | 'FSP'
  /** First byte of a BROM certificate's serial number; its PDI follows. */
  readonly serialByte: number
  readonly measurements: number
}

export const HOPPER: Chip = {
  kind: 'gpu',
  architecture: 'HOPPER',
  name: 'GH100',
  product: 'GH100',
  processor: 'GSP',
  serialByte: 0x41,
  measurements: 64,
}
export const BLACKWELL: Chip = {
  ...HOPPER,
  architecture: 'BLACKWELL',
  name: 'GB100',
  product: 'GB100',
}
export const LS10: Chip = {
  kind: 'switch',
  architecture: 'LS10',
  name: 'LS_10',
  product: 'LS10',
  processor: 'FSP',
  serialByte: 0x50,
  measurements: 31,
}
