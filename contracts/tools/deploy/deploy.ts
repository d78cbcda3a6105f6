import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublicClient, http, parseAbi, type PublicClient } from 'viem'
import {
  DeploymentError,
  INTEL_ROOT_SHA256,
  parseDeployment,
  peersAbi,
  requireGenuineRoot,
  requireWiring,
  type Deployment,
  type Hex,
} from '../../abi/index.ts'
import { TARGETS, type DeployOptions } from './arguments.ts'
import { DeployError } from './deploy-error.ts'

export { DeployError } from './deploy-error.ts'

const contracts = fileURLToPath(new URL('../..', import.meta.url))
const MAX_OUTPUT = 64 * 1024 * 1024

/** What was deployed, or would be. */
export interface Deployed {
  readonly deployment: Deployment
  /** The record's path; absent after a rehearsal. */
  readonly written?: string
}

/**
 * Asserts chain and owner, simulates or sends the transactions of script/Deploy.s.sol, looks at the result on chain, and
 * only then records it, in one step.
 * @throws DeployError
 */
export async function deploy(options: DeployOptions): Promise<Deployed> {
  // What it answers is judged; whom this machine asks next is not for it to say.
  const transport = http(options.rpcUrl, { fetchOptions: { redirect: 'error' } })
  const client = createPublicClient({ transport, ccipRead: false })
  await requireChain(client, options)
  await requireOwner(client, options)
  requireRoot(options)

  const folder = join(contracts, 'deployments')
  await mkdir(folder, { recursive: true })
  // Under deployments/ because forge writes nowhere else; it does so before it sends, so this is no record yet.
  const draft = await mkdtemp(join(folder, 'draft-'))
  try {
    const draftFile = join(draft, 'deployment.json')
    await runForge(options, draftFile)
    const text = await readFile(draftFile, 'utf8')
    const deployment = parseDeployment(text)
    if (!options.broadcast) return { deployment }
    await requireDeployed(client, deployment, options)
    const written = options.out ?? join(folder, `${deployment.chainId}.json`)
    await record(`${JSON.stringify(deployment, undefined, 2)}\n`, written)
    return { deployment, written }
  } finally {
    await rm(draft, { recursive: true })
  }
}

/** The name of a network is only a word (attack T6). */
async function requireChain(client: PublicClient, { target }: DeployOptions): Promise<void> {
  const actual = await asked(() => client.getChainId())
  if (actual !== TARGETS[target]) {
    throw new DeployError(
      'WRONG_CHAIN',
      `${target} is chain ${TARGETS[target]}, the RPC is on ${actual}`,
    )
  }
}

async function requireOwner(client: PublicClient, options: DeployOptions): Promise<void> {
  const { target, owner, contractOwner } = options
  if (owner === undefined) {
    if (target === 'anvil') return
    throw new DeployError('OWNER', `${target}: expected --owner, a timelock or a Safe`)
  }
  if (target !== 'mainnet' && !contractOwner) return
  if (!(await hasCode(client, owner))) {
    throw new DeployError(
      'OWNER',
      `${owner}: expected a timelock or a Safe, got an address without code`,
    )
  }
}

/** Asked before anything is compiled; script and constructor ask it again. */
function requireRoot({ target, simulatedRoot }: DeployOptions): void {
  if (simulatedRoot === undefined) return
  try {
    requireGenuineRoot(TARGETS[target], simulatedRoot)
  } catch (cause) {
    const message = `--simulated-root: ${target} pins Intel's ${INTEL_ROOT_SHA256}, got ${simulatedRoot}`
    throw new DeployError('ROOT', message, { cause })
  }
}

/** Runs the script, which asserts root, owner and wiring by itself. @throws DeployError `FORGE` */
export async function runForge(options: DeployOptions, draftFile: string): Promise<void> {
  const { target, rpcUrl, broadcast, owner, contractOwner, signing } = options
  // What forge remembers of a public chain may be old, or of another chain under its id.
  const fresh = '--no-storage-caching'
  const args = ['script', 'script/Deploy.s.sol', '--rpc-url', rpcUrl, fresh, ...signing]
  if (broadcast) args.push('--broadcast', '--slow')
  const env = {
    ...process.env,
    DEPLOYMENT_OUT: draftFile,
    // What the public gets is what was measured; a local chain need not wait for that compiler.
    ...(target === 'anvil' ? {} : { FOUNDRY_PROFILE: 'release' }),
    OWNER_MUST_HAVE_CODE: String(contractOwner),
    ...(owner === undefined ? {} : { OWNER: owner }),
    TDX_ROOT: options.simulatedRoot ?? INTEL_ROOT_SHA256,
    ...(options.remover === undefined ? {} : { REMOVER: options.remover }),
  }
  await new Promise<void>((resolve, reject) => {
    const limits = { cwd: contracts, env, maxBuffer: MAX_OUTPUT }
    execFile(forgeCommand(), args, limits, (error, _stdout, stderr) => {
      if (error === null) resolve()
      else reject(new DeployError('FORGE', stderr.trim().slice(0, 2000) || 'forge failed'))
    })
  })
}

/** The contracts that have an owner. */
const OWNED = ['computeRegistry', 'computeStaking', 'ledgerManager', 'attestationVerifier'] as const

/** forge says what it sent; this asks the chain what is there. */
async function requireDeployed(
  client: PublicClient,
  deployment: Deployment,
  { owner }: DeployOptions,
): Promise<void> {
  const { chainId: _, deployedAtBlock: __, tdx, ...market } = deployment
  if (tdx === undefined) throw new DeployError('NOT_DEPLOYED', 'tdx: nothing that judges quotes')
  const { rootCertificateHash: ___, verifierIndex: ____, ...judges } = tdx
  const addresses = { ...market, ...judges }
  for (const [name, address] of Object.entries(addresses)) {
    if (!(await hasCode(client, address))) {
      throw new DeployError('NOT_DEPLOYED', `${name}: no code at ${address}`)
    }
  }
  try {
    await requireWiring(deployment, (address, functionName) =>
      client.readContract({ address, abi: peersAbi, functionName }),
    )
  } catch (cause) {
    if (!(cause instanceof DeploymentError)) throw cause
    throw new DeployError('NOT_DEPLOYED', cause.message, { cause })
  }
  if (owner === undefined) return
  for (const contract of OWNED) {
    const actual = await asked(() =>
      client.readContract({
        address: addresses[contract],
        abi: parseAbi(['function owner() view returns (address)']),
        functionName: 'owner',
      }),
    )
    if (actual.toLowerCase() !== owner.toLowerCase()) {
      throw new DeployError('NOT_DEPLOYED', `${contract}.owner(): expected ${owner}, got ${actual}`)
    }
  }
}

/** Whole or not at all: written beside, flushed, then moved. */
async function record(text: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.${process.pid}.tmp`
  const file = await open(beside, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}

async function hasCode(client: PublicClient, address: Hex): Promise<boolean> {
  const code = await asked(() => client.getCode({ address }))
  return code !== undefined && code !== '0x'
}

async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    throw new DeployError(
      'RPC',
      cause instanceof Error ? cause.message.slice(0, 300) : 'no answer',
      {
        cause,
      },
    )
  }
}

/** The command that npm installed, or the one on PATH where npm has none for this platform. */
function forgeCommand(): string {
  const require = createRequire(join(contracts, 'package.json'))
  try {
    const manifest = require.resolve('@foundry-rs/forge-linux-amd64/package.json')
    return join(dirname(manifest), 'bin', 'forge')
  } catch {
    return 'forge'
  }
}
