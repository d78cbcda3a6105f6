import { z } from 'zod'
import { MAX_BUDGET } from '../state/shared-state.ts'

/** What a gateway that pays nodes itself is told. */
export interface SponsorSettings {
  /** File of the paying wallet's private key. */
  readonly keyFile: string
  /** How channels are paid that it opens: by receipts, or by vouchers. */
  readonly channels: 'receipts' | 'vouchers'
  /** Where its channels and their session keys are kept; of one replica each. */
  readonly folder: string
  /** Wei locked in a channel at once. */
  readonly channelAmount: bigint
  /** Wei that all replicas together lock in a day. */
  readonly lockedPerDay: bigint
  /** Wei that one request may cost at most. */
  readonly maxFeePerRequest: bigint
  /** Who has a budget; undefined: nobody. */
  readonly accountsFile: string | undefined
}

const wei = z
  .string()
  .regex(/^[1-9][0-9]{0,18}$/, 'expected wei')
  .transform(BigInt)
  .refine((amount) => amount <= MAX_BUDGET, `expected ${MAX_BUDGET} at most`)

type Setting<Value> = z.ZodType<Value | undefined>

/** The part of the environment that {@link readSponsor} reads. */
export const sponsorShape: {
  readonly SPONSOR_KEY_FILE: Setting<string>
  readonly SPONSOR_FOLDER: Setting<string>
  readonly SPONSOR_CHANNELS: Setting<SponsorSettings['channels']>
  readonly SPONSOR_CHANNEL_AMOUNT: Setting<bigint>
  readonly SPONSOR_LOCKED_PER_DAY: Setting<bigint>
  readonly SPONSOR_MAX_FEE: Setting<bigint>
  readonly ACCOUNTS_FILE: Setting<string>
} = {
  SPONSOR_KEY_FILE: z.string().min(1).optional(),
  SPONSOR_FOLDER: z.string().min(1).optional(),
  SPONSOR_CHANNELS: z.enum(['receipts', 'vouchers'], 'expected receipts or vouchers').optional(),
  SPONSOR_CHANNEL_AMOUNT: wei.optional(),
  SPONSOR_LOCKED_PER_DAY: wei.optional(),
  SPONSOR_MAX_FEE: wei.optional(),
  ACCOUNTS_FILE: z.string().min(1).optional(),
}

type SponsorEnvironment = z.infer<z.ZodObject<typeof sponsorShape>>

/** Settings of a sponsor, all or none; what is missing is added to the problems. */
export function readSponsor(
  data: SponsorEnvironment,
  problems: string[],
): SponsorSettings | undefined {
  const { SPONSOR_KEY_FILE, SPONSOR_FOLDER, SPONSOR_CHANNEL_AMOUNT } = data
  const { SPONSOR_LOCKED_PER_DAY, SPONSOR_MAX_FEE, SPONSOR_CHANNELS, ACCOUNTS_FILE } = data
  const needed = {
    SPONSOR_KEY_FILE,
    SPONSOR_FOLDER,
    SPONSOR_CHANNEL_AMOUNT,
    SPONSOR_LOCKED_PER_DAY,
    SPONSOR_MAX_FEE,
  }
  const missing = Object.entries(needed).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  )
  if (missing.length === Object.keys(needed).length) {
    if (ACCOUNTS_FILE !== undefined) problems.push('ACCOUNTS_FILE: nobody pays for them')
    if (SPONSOR_CHANNELS !== undefined) problems.push('SPONSOR_CHANNELS: nobody opens them')
    return undefined
  }
  for (const name of missing) problems.push(`${name}: expected with the other SPONSOR settings`)
  return {
    keyFile: SPONSOR_KEY_FILE ?? '',
    folder: SPONSOR_FOLDER ?? '',
    channels: SPONSOR_CHANNELS ?? 'receipts',
    channelAmount: SPONSOR_CHANNEL_AMOUNT ?? 0n,
    lockedPerDay: SPONSOR_LOCKED_PER_DAY ?? 0n,
    maxFeePerRequest: SPONSOR_MAX_FEE ?? 0n,
    accountsFile: ACCOUNTS_FILE,
  }
}
