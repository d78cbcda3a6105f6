import type { Hex } from '@jeju/verifier/protocol'
import { weiOf } from '../../chain/viem-amount.ts'
import { UsageError } from '../usage-error.ts'

/** What a flag says without which the command cannot run. Throws a UsageError. */
export function requireFlag(text: string | undefined, flag: string): string {
  if (text !== undefined && text !== '') return text
  throw new UsageError(`--${flag}: missing`)
}

/** Wei of an amount in ether. Throws a UsageError. */
export function parseAmount(text: string, what: string): bigint {
  const wei = weiOf(text)
  if (wei !== undefined && wei > 0n) return wei
  throw new UsageError(`${what}: expected ether such as 0.01, got ${JSON.stringify(text)}`)
}

/** Wei of a price in ether, which may be nothing. Throws a UsageError. */
export function parsePrice(text: string, what: string): bigint {
  const wei = weiOf(text)
  if (wei !== undefined) return wei
  throw new UsageError(`${what}: expected ether such as 0.0002, got ${JSON.stringify(text)}`)
}

/** An agent's id. Throws a UsageError. */
export function parseAgent(text: string | undefined): bigint {
  if (text !== undefined && /^(0|[1-9]\d{0,77})$/.test(text)) return BigInt(text)
  throw new UsageError('--agent: expected a number, the id of the agent (ERC-8004)')
}

/** An agent's id where one is given. Throws a UsageError. */
export function parseOptionalAgent(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : parseAgent(text)
}

/** Whether a text is a digest of 32 bytes, as this program writes them. */
export function isDigest(text: string): text is Hex {
  return /^0x[0-9a-f]{64}$/.test(text)
}

/** A digest of 32 bytes. Throws a UsageError. */
export function parseDigest(text: string, what: string): Hex {
  if (isDigest(text)) return text
  throw new UsageError(`${what}: expected 0x and 64 lowercase hex digits`)
}

/** A channel's id. Throws a UsageError. */
export function parseChannelId(text: string): Hex {
  return parseDigest(text, 'CHANNEL')
}

/** A whole number within bounds. Throws a UsageError. */
export function parseInteger(text: string, what: string, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value <= max) return value
  throw new UsageError(`${what}: expected 0 to ${max}, got ${JSON.stringify(text)}`)
}

/** A number that a contract keeps in 32 bits. Throws a UsageError. */
export function parseUint32(text: string, what: string): number {
  return parseInteger(text, what, 2 ** 32 - 1)
}
