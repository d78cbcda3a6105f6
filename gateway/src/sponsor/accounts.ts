import { createHash } from 'node:crypto'
import { JsonError, parseStrictJson, type Hex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { MAX_BUDGET } from '../state/shared-state.ts'

/** Whom a gateway pays for, and how much. */
export interface Account {
  /** Names its budget and its limits. */
  readonly name: string
  /** Wei, each day (UTC). */
  readonly budgetPerDay: bigint
}

/** The accounts of a gateway, by what their owners show. */
export interface Accounts {
  /** The account of an API key. */
  byKey(key: string): Account | undefined
  /** The account of a wallet, address in lower case. */
  byWallet(wallet: Hex): Account | undefined
}

const MAX_ACCOUNTS = 100_000

const account = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits, dashes'),
    budgetPerDay: z
      .string()
      .regex(/^(0|[1-9][0-9]{0,18})$/, 'expected wei as a decimal string')
      .transform(BigInt)
      .refine((wei) => wei <= MAX_BUDGET, `expected ${MAX_BUDGET} at most`),
    /** SHA-256 of the API key: the file holds none. */
    keySha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex characters')
      .optional(),
    wallet: z
      .string()
      .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address')
      .transform((text) => text.toLowerCase())
      .optional(),
  })
  .refine(({ keySha256, wallet }) => keySha256 !== undefined || wallet !== undefined, {
    message: 'expected keySha256, wallet or both',
  })

const file = z.strictObject({ accounts: z.array(account).max(MAX_ACCOUNTS) })

/** No account at all. */
export const NO_ACCOUNTS: Accounts = { byKey: () => undefined, byWallet: () => undefined }

/**
 * Reads an accounts file: `{"accounts":[{name, budgetPerDay, keySha256?, wallet?}]}`, each name, key and wallet once.
 * Throws an Error that names the member.
 */
export function parseAccounts(text: string): Accounts {
  const parsed = file.safeParse(readJson(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not readable'}`)
  }
  const { accounts } = parsed.data
  const names = new Set(accounts.map(({ name }) => name))
  if (names.size < accounts.length) throw new Error('accounts: a name stands twice')
  const byKey = indexed(accounts, 'keySha256')
  const byWallet = indexed(accounts, 'wallet')
  return {
    byKey: (key) => byKey.get(createHash('sha256').update(key).digest('hex')),
    byWallet: (wallet) => byWallet.get(wallet),
  }
}

function indexed(
  accounts: readonly z.infer<typeof account>[],
  member: 'keySha256' | 'wallet',
): ReadonlyMap<string, Account> {
  const entries = accounts.flatMap((one): [string, Account][] => {
    const { name, budgetPerDay, [member]: shown } = one
    return shown === undefined ? [] : [[shown, { name, budgetPerDay }]]
  })
  const map = new Map(entries)
  if (map.size < entries.length) throw new Error(`accounts: a ${member} stands twice`)
  return map
}

function readJson(text: string): unknown {
  try {
    return parseStrictJson(text, { maxDepth: 4 })
  } catch (error) {
    if (error instanceof JsonError) throw new Error(error.message)
    throw error
  }
}
