import { etherOf } from '../../chain/viem-amount.ts'
import type { ServicePrice } from '../../provider/create-provider.ts'
import { parseUint32, parsePrice, requireFlag } from '../settings/operand.ts'

/** What a service costs. */
export const PRICE_FLAGS = {
  in: { type: 'string' },
  out: { type: 'string' },
  'max-output': { type: 'string' },
} as const

/** The lines of `--help` about {@link PRICE_FLAGS}. */
export const PRICE_HELP = `  --in ETH              ether of a million tokens of a prompt
  --out ETH             ether of a million tokens of an answer
  --max-output TOKENS   longest answer that is sold`

/** The price that the flags say. Throws a UsageError. */
export function readPrice(values: {
  readonly in?: string | undefined
  readonly out?: string | undefined
  readonly 'max-output'?: string | undefined
}): ServicePrice {
  const most = requireFlag(values['max-output'], 'max-output')
  return {
    inPerMTok: parsePrice(requireFlag(values.in, 'in'), '--in'),
    outPerMTok: parsePrice(requireFlag(values.out, 'out'), '--out'),
    maxOutputTokens: parseUint32(most, '--max-output'),
  }
}

/** A price as people read it. */
export function describePrice({ inPerMTok, outPerMTok }: ServicePrice): string {
  return `${etherOf(inPerMTok)} and ${etherOf(outPerMTok)} ether per million tokens`
}
