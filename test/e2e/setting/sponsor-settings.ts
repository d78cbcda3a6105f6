import { createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@jeju/verifier/protocol'
import { parseEther } from 'viem'

/**
 * Settings of a gateway that pays nodes from channels of its own, for one account with an API key and so many wei a day;
 * the files that they name are written into the folder.
 */
export function sponsorSettings(
  folder: string,
  sponsorKey: Uint8Array,
  account: { readonly apiKey: string; readonly budgetPerDay: bigint },
): Readonly<Record<string, string>> {
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, toHex(sponsorKey))
  chmodSync(keyFile, 0o600)
  const accountsFile = join(folder, 'accounts.json')
  const keySha256 = createHash('sha256').update(account.apiKey).digest('hex')
  const team = { name: 'team', budgetPerDay: account.budgetPerDay.toString(), keySha256 }
  writeFileSync(accountsFile, JSON.stringify({ accounts: [team] }))
  return {
    SPONSOR_KEY_FILE: keyFile,
    SPONSOR_CHANNEL_AMOUNT: parseEther('0.01').toString(),
    SPONSOR_LOCKED_PER_DAY: parseEther('0.02').toString(),
    SPONSOR_MAX_FEE: parseEther('0.0001').toString(),
    ACCOUNTS_FILE: accountsFile,
  }
}
