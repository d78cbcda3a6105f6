import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Keystore from 'ox/Keystore'
import type { Network } from '../../../demo/network/network.ts'

/**
 * What a user of the command line has: a folder with the network's files, his keystore and its password, and the
 * environment that names them.
 */
export async function makeUser(
  { chain, policy, trustAnchor, collateralUrl }: Network,
  gateway: { readonly url: string },
  wallet: { readonly key: number; readonly password: string },
): Promise<{ readonly folder: string; readonly env: Record<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'jeju-cli-'))
  const file = (name: string, content: string | Uint8Array): Promise<void> =>
    writeFile(join(folder, name), content)
  await file('deployment.json', JSON.stringify(chain.deployment))
  await file('policy.json', JSON.stringify(policy))
  await file('root.der', trustAnchor.certificate)
  const addresses = { rpc: chain.rpcUrl, gateway: gateway.url, collateral: collateralUrl }
  await file('network.json', JSON.stringify(addresses))
  const { password } = wallet
  const [key, options] = Keystore.scrypt({ password, n: 1024, r: 8, p: 1 })
  const keystore = Keystore.encrypt(chain.privateKey(wallet.key), key, options)
  await file('keystore.json', JSON.stringify(keystore))
  await file('password', `${password}\n`)
  const env = {
    JEJU_NETWORK: folder,
    JEJU_HOME: join(folder, 'home'),
    JEJU_KEYSTORE: join(folder, 'keystore.json'),
    JEJU_PASSWORD_FILE: join(folder, 'password'),
  }
  return { folder, env }
}
