import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther, toHex, type Hex } from 'viem'
import { deployDollar, DOLLAR_NAME, DOLLAR_VERSION, mintDollars } from './dollar.ts'
import { serveFacilitator } from './facilitator.ts'
import type { Network } from './network.ts'

/** Development accounts: who pays the nodes, who brings payments on chain, who has dollars. */
const SPONSOR = 6
const FACILITATOR = 7
/** The account that has dollars. */
export const DOLLAR_PAYER = 8

/** What lets callers without a channel in: an API key with a budget, and dollars. */
export interface PaidEntry {
  /** Settings of a gateway. */
  readonly settings: Readonly<Record<string, string>>
  readonly apiKey: string
  readonly dollar: Hex
  close(): Promise<void>
}

/** Starts a facilitator over a dollar of this chain, and writes what a gateway needs that pays nodes itself. */
export async function startPaidEntry(network: Network, folder: string): Promise<PaidEntry> {
  // Channels of an earlier chain are not on this one.
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const wallet = network.wallet(FACILITATOR)
  const dollar = await deployDollar(wallet)
  const payer = network.wallet(DOLLAR_PAYER).account.address
  await mintDollars(wallet, dollar, payer, 1_000_000_000n)
  const facilitator = await serveFacilitator(wallet)
  const apiKey = `jk-${randomBytes(24).toString('hex')}`
  const keySha256 = createHash('sha256').update(apiKey).digest('hex')
  const account = { name: 'devnet', budgetPerDay: parseEther('0.01').toString(), keySha256 }
  const [keyFile, accountsFile] = [join(folder, 'key'), join(folder, 'accounts.json')]
  await writeFile(keyFile, toHex(network.chain.privateKey(SPONSOR)), { mode: 0o600 })
  await writeFile(accountsFile, JSON.stringify({ accounts: [account] }))
  return {
    apiKey,
    dollar,
    close: () => facilitator.close(),
    settings: {
      STORE: join(folder, 'gateway.db'),
      SPONSOR_KEY_FILE: keyFile,
      SPONSOR_FOLDER: join(folder, 'channels'),
      SPONSOR_CHANNEL_AMOUNT: parseEther('0.01').toString(),
      SPONSOR_LOCKED_PER_DAY: parseEther('1').toString(),
      SPONSOR_MAX_FEE: parseEther('0.001').toString(),
      ACCOUNTS_FILE: accountsFile,
      X402_FACILITATOR_URL: facilitator.url,
      X402_PUBLIC_URL: 'http://127.0.0.1',
      X402_PAY_TO: network.wallet(SPONSOR).account.address,
      X402_ASSET: dollar,
      X402_ASSET_NAME: DOLLAR_NAME,
      X402_ASSET_VERSION: DOLLAR_VERSION,
      X402_UNITS_PER_ETHER: '3000000000',
      X402_MAX_AMOUNT: '1000000',
      X402_UNPAID_PER_DAY: parseEther('0.01').toString(),
    },
  }
}
