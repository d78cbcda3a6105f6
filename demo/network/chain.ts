import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parseDeployment, type Deployment } from '@jeju/contracts'
import { createTestClient, http, publicActions, toHex } from 'viem'
import { mnemonicToAccount, type HDAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { freePort, start, waitFor, type RunningProcess } from './process.ts'
import { root } from './root.ts'

/** Anvil's published development mnemonic; its accounts hold money on no other chain. */
const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk'

/** A local chain with our contracts on it. */
export interface LocalChain {
  readonly rpcUrl: string
  readonly chainId: number
  readonly deployment: Deployment
  readonly process: RunningProcess
  /** A funded development account. */
  account(index: number): HDAccount
  /** Its private key, 32 bytes. */
  privateKey(index: number): Uint8Array
  /** Lets chain time pass. */
  passTime(seconds: number): Promise<void>
}

/** Path of a Foundry command that npm installed, or of one on PATH where npm has none for this platform. */
function foundryCommand(name: 'anvil' | 'forge'): string {
  const require = createRequire(join(root, 'package.json'))
  try {
    const manifest = require.resolve(`@foundry-rs/${name}-linux-amd64/package.json`)
    return join(dirname(manifest), 'bin', name)
  } catch {
    return name
  }
}

/** Starts Anvil under the rules Base runs and deploys the contracts with the forge script. */
export async function startChain(): Promise<LocalChain> {
  const port = await freePort()
  const rpcUrl = `http://127.0.0.1:${port}`
  const running = start('anvil', [
    foundryCommand('anvil'),
    `--port=${port}`,
    '--hardfork=osaka',
    `--mnemonic=${DEVELOPMENT_MNEMONIC}`,
    `--chain-id=${foundry.id}`,
    '--silent',
  ])
  const client = createTestClient({
    chain: foundry,
    mode: 'anvil',
    transport: http(rpcUrl),
  }).extend(publicActions)
  try {
    await waitFor('anvil', () => client.getBlockNumber(), { timeoutMs: 20_000, running })
    return {
      rpcUrl,
      chainId: foundry.id,
      deployment: await deploy(rpcUrl),
      process: running,
      account: developmentAccount,
      privateKey: developmentKey,
      passTime: async (seconds) => {
        await client.increaseTime({ seconds })
        await client.mine({ blocks: 1 })
      },
    }
  } catch (error) {
    await running.stop()
    throw error
  }
}

function developmentAccount(addressIndex: number): HDAccount {
  return mnemonicToAccount(DEVELOPMENT_MNEMONIC, { addressIndex })
}

function developmentKey(addressIndex: number): Uint8Array {
  const key = developmentAccount(addressIndex).getHdKey().privateKey
  if (key === null) throw new Error(`development account ${addressIndex} has no private key`)
  return key
}

const DEPLOYER_INDEX = 9

async function deploy(rpcUrl: string): Promise<Deployment> {
  // Where forge may write; removed again.
  const deployments = join(root, 'contracts', 'deployments')
  await mkdir(deployments, { recursive: true })
  const folder = await mkdtemp(join(deployments, 'devnet-'))
  const out = join(folder, 'deployment.json')
  const privateKey = toHex(developmentKey(DEPLOYER_INDEX))
  try {
    await promisify(execFile)(
      foundryCommand('forge'),
      [
        'script',
        'script/Deploy.s.sol',
        '--broadcast',
        `--rpc-url=${rpcUrl}`,
        `--private-key=${privateKey}`,
      ],
      { cwd: join(root, 'contracts'), env: { ...process.env, DEPLOYMENT_OUT: out } },
    )
    return parseDeployment(await readFile(out, 'utf8'))
  } finally {
    await rm(folder, { recursive: true })
  }
}
