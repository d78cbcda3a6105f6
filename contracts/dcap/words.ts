import { TDX_FAULTS } from '../abi/index.ts'

/** How single values are put into a sentence. Contracts pass numbers as bigint, small ones as number. */

/** Names of TCB statuses by the verifier's code (TcbStatus.sol). */
const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'ConfigurationNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
  'unrecognised',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

/** `IIntelPki.Authority`. */
const AUTHORITIES = ['root', 'PCK Platform CA', 'PCK Processor CA', 'TCB signing key'] as const

/** A TCB status by its code. */
export function tcbStatus(code: unknown): string {
  return TCB_STATUSES[Number(code)] ?? `status ${String(code)}`
}

/** The TCB statuses whose bits are set. */
export function tcbStatuses(bits: unknown): string {
  const allowed = TCB_STATUSES.filter((_, code) => (Number(bits) >> code) & 1)
  return allowed.length === 0 ? 'none' : allowed.join(' or ')
}

/** An authority by its number. */
export function authority(number: unknown): string {
  return AUTHORITIES[Number(number)] ?? `authority ${String(number)}`
}

/** Unix seconds as a date; "never brought" for zero. */
export function time(seconds: unknown): string {
  const value = Number(seconds)
  if (value === 0) return 'none'
  const date = new Date(value * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z')
}

/** A number in hex. */
export function hex(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'number'
    ? `0x${value.toString(16)}`
    : String(value)
}

/** ASCII in a word, zeros behind it cut off; hex where it is none. */
export function text(word: unknown): string {
  const digits = typeof word === 'string' ? word.slice(2) : ''
  const bytes = digits.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? []
  const read = String.fromCharCode(...bytes).replace(/\0+$/, '')
  return /^[\x20-\x7e]+$/.test(read) ? `"${read}"` : String(word)
}

/** `ITdxVerifier.Fault`, each as a sentence. */
export function fault(number: unknown): string {
  const name = TDX_FAULTS[Number(number)]
  return name === undefined ? `quote: refused for fault ${String(number)}` : FAULTS[name]
}

const FAULTS: Readonly<Record<(typeof TDX_FAULTS)[number], string>> = {
  NONE: 'quote: nothing is wrong with it',
  QUOTE_SIGNATURE:
    'quote signature: expected one by the attestation key over header and body, got another',
  QE_BINDING: 'QE report: expected it to name the attestation key of this quote, got another',
  QE_SIGNATURE: 'QE report signature: expected one by the key of the PCK certificate, got another',
  QE_DEBUG: 'quoting enclave: expected one in production mode, got a debug enclave',
  TD_DEBUG:
    'TD attributes: expected a TD without debug and profiling bits, got one that its host can look into',
  TD_ATTRIBUTES: 'TD attributes: expected bits that are known, got others',
  TD_XFAM: 'XFAM: expected bits that are known, got others',
}
