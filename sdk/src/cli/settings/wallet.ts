import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Deployment } from '@jeju/contracts'
import { accountOf } from '../../chain/viem-account.ts'
import { connectWallet, type Wallet } from '../../chain/viem-client.ts'
import { openFolderStore } from '../../node/folder-store.ts'
import { decryptKeystore } from '../../node/keystore.ts'
import type { Store } from '../../store/store.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { isOpenToOthers, readSettingFile, setting, type Values } from './read-setting.ts'

/**
 * The wallet that the flags or the environment name, on the chain of the deployment. A key is read from a file or the
 * environment and never from the command line, which other accounts of the machine can see. Throws a UsageError or
 * `CONFIG_WALLET`.
 */
export async function readWallet(
  values: Values,
  terminal: Terminal,
  rpcUrl: string,
  { chainId }: Deployment,
): Promise<Wallet> {
  const account = accountOf(await readKey(values, terminal))
  terminal.tell(`wallet ${account.address} on chain ${chainId}`)
  return connectWallet({ rpcUrl, chainId, account })
}

async function readKey(values: Values, terminal: Terminal): Promise<string> {
  const { env } = terminal
  // An empty one is none, as of every setting.
  const inEnvironment = env['JEJU_PRIVATE_KEY'] || undefined
  const keyFile = setting(values, env, 'key-file')
  const keystore = setting(values, env, 'keystore')
  const given = [inEnvironment, keyFile, keystore].filter((one) => one !== undefined)
  if (given.length !== 1) {
    throw new UsageError(
      `wallet: expected one of --key-file, --keystore and JEJU_PRIVATE_KEY, got ${given.length}`,
    )
  }
  if (inEnvironment !== undefined) return inEnvironment
  if (keyFile !== undefined) return readSecret(keyFile, 'key-file', terminal)
  const text = (await readSettingFile(keystore ?? '', 'keystore')).toString('utf8')
  const password = await readPassword(values, terminal)
  terminal.tell('opening the keystore …')
  return decryptKeystore(text, password)
}

/** A file that nobody else should be able to read; that somebody can is told, since the damage is done already. */
async function readSecret(path: string, flag: string, terminal: Terminal): Promise<string> {
  const text = (await readSettingFile(path, flag)).toString('utf8')
  if (await isOpenToOthers(path)) {
    terminal.tell(`--${flag} ${path}: others on this machine can read it; chmod 600 it`)
  }
  return text
}

async function readPassword(values: Values, terminal: Terminal): Promise<string> {
  const { env } = terminal
  const file = setting(values, env, 'password-file')
  if (file === undefined) {
    const password = env['JEJU_KEYSTORE_PASSWORD']
    if (password !== undefined) return password
    throw new UsageError('--password-file: missing (or JEJU_KEYSTORE_PASSWORD)')
  }
  // Editors end a file with a line break that is no part of the password.
  return (await readSecret(file, 'password-file', terminal)).replace(/\r?\n$/, '')
}

/** Where channels and receipts are kept. */
export function openHome(values: Values, { env }: Terminal): Promise<Store> {
  return openFolderStore(setting(values, env, 'home') ?? join(homedir(), '.jeju'))
}
