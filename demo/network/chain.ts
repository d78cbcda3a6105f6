import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Deployment, Hex } from '@jeju/contracts'
import { createTestClient } from 'viem'
import { mnemonicToAccount, type HDAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { deploy } from '../../contracts/tools/deploy/deploy.ts'
import { freePort, start, waitFor, type RunningProcess } from './process.ts'
import { root } from './root.ts'
import { chainReader, rpc } from './rpc.ts'

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
  /** Owns what can be owned. */
  readonly owner: HDAccount
}

/** Settings of {@link startChain}. */
export interface ChainOptions {
  /** SHA-256 of the root certificate that quotes must end in; Intel's when absent. */
  readonly simulatedRoot?: Hex
  /** How far the chain's time lies behind, so that there is time to pass; none when absent. */
  readonly behindS?: number
}

/** Path of the command that npm installed, or of one on PATH where npm has none for this platform. */
function foundryCommand(name: 'anvil'): string {
  const require = createRequire(join(root, 'package.json'))
  try {
    const manifest = require.resolve(`@foundry-rs/${name}-linux-amd64/package.json`)
    return join(dirname(manifest), 'bin', name)
  } catch {
    return name
  }
}

/** A chain of one machine. */
export interface Anvil {
  readonly rpcUrl: string
  readonly process: RunningProcess
}

/** Starts Anvil under the rules Base runs. @param behindS how far its time lies behind */
export async function startAnvil(chainId: number, behindS = 0): Promise<Anvil> {
  const port = await freePort()
  const rpcUrl = `http://127.0.0.1:${port}`
  const running = start('anvil', [
    foundryCommand('anvil'),
    `--port=${port}`,
    '--hardfork=osaka',
    `--mnemonic=${DEVELOPMENT_MNEMONIC}`,
    `--chain-id=${chainId}`,
    ...(behindS === 0 ? [] : [`--timestamp=${Math.floor(Date.now() / 1000) - behindS}`]),
    '--silent',
  ])
  const client = chainReader(rpcUrl)
  try {
    await waitFor('anvil', () => client.getBlockNumber(), { timeoutMs: 20_000, running })
    return { rpcUrl, process: running }
  } catch (error) {
    await running.stop()
    throw error
  }
}

/** Starts Anvil and deploys the contracts as `npm run deploy:anvil` does. */
export async function startChain(options: ChainOptions = {}): Promise<LocalChain> {
  const { rpcUrl, process: running } = await startAnvil(foundry.id, options.behindS)
  const client = createTestClient({
    chain: foundry,
    mode: 'anvil',
    transport: rpc(rpcUrl),
  })
  try {
    return {
      rpcUrl,
      chainId: foundry.id,
      deployment: await deployOn(rpcUrl, options.simulatedRoot),
      process: running,
      account: developmentAccount,
      owner: developmentAccount(DEPLOYER_INDEX),
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

async function deployOn(rpcUrl: string, simulatedRoot: Hex | undefined): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'jeju-devnet-'))
  try {
    const { deployment } = await deploy({
      target: 'anvil',
      rpcUrl,
      broadcast: true,
      owner: undefined,
      contractOwner: false,
      simulatedRoot,
      remover: undefined,
      signing: ['--unlocked', '--sender', developmentAccount(DEPLOYER_INDEX).address],
      out: join(folder, 'deployment.json'),
    })
    return deployment
  } finally {
    await rm(folder, { recursive: true })
  }
}
