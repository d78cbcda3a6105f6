/** What NVIDIA calls a generation of devices. */
export type Architecture = 'HOPPER' | 'BLACKWELL' | 'LS10'
export type DeviceKind = 'gpu' | 'switch'

/** A family of chips, as the names of its certificates begin. */
export interface ChipFamily {
  /** `GH100`, `GB100`, `LS_10`. */
  readonly chip: string
  readonly kind: DeviceKind
  readonly architecture: Architecture
}

/** The family of a certificate with that common name, such as `GH100 A01 GSP BROM`; undefined for any other. */
export function familyOf(commonName: string, role: 'FMC LF' | 'BROM'): ChipFamily | undefined {
  const found = /^(GH100|GB[12]\d\d|LS_10) [A-Z]\d\d (?:GSP|FSP) (FMC LF|BROM)$/.exec(commonName)
  const chip = found?.[2] === role ? (found[1] ?? '') : ''
  switch (chip.slice(0, 2)) {
    case 'GH':
      return { chip, kind: 'gpu', architecture: 'HOPPER' }
    case 'GB':
      return { chip, kind: 'gpu', architecture: 'BLACKWELL' }
    case 'LS':
      return { chip, kind: 'switch', architecture: 'LS10' }
    default:
      return undefined
  }
}
