const WEI_PER_ETHER_DIGITS = 18

/** Wei as ether, exact, without zeros at the end. */
export function ether(wei: string): string {
  const digits = wei.padStart(WEI_PER_ETHER_DIGITS + 1, '0')
  const whole = digits.slice(0, -WEI_PER_ETHER_DIGITS)
  const fraction = digits.slice(-WEI_PER_ETHER_DIGITS).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/** A duration for people. */
export function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Parts of a hundred; a dash where nothing was counted. */
export function share(part: number, of: number): string {
  return of === 0 ? '–' : `${((100 * part) / of).toFixed(part === 0 || part === of ? 0 : 1)} %`
}

/** The start and the end of something long. */
export function shortened(text: string): string {
  return text.length <= 22 ? text : `${text.slice(0, 12)}…${text.slice(-8)}`
}

/** Names of tiers as a visitor reads them. */
export function tierName(tier: string): string {
  const names: Readonly<Record<string, string>> = {
    tdx: 'TDX',
    tdx_gpu: 'TDX + GPU',
    simulated: 'SIMULATED',
  }
  return names[tier] ?? tier
}
