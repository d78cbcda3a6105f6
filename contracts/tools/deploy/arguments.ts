import { parseArgs } from 'node:util'
import { lowercase, type Hex } from '../../abi/index.ts'
import { DeployError } from './deploy-error.ts'

/** Chains that are deployed to, by the name in the command. */
export const TARGETS = { anvil: 31_337, sepolia: 84_532, mainnet: 8453 } as const

/** What one deployment is asked to do. */
export interface DeployOptions {
  readonly target: keyof typeof TARGETS
  readonly rpcUrl: string
  /** Sends transactions; without it everything is only simulated. */
  readonly broadcast: boolean
  /** Owner of every contract that has one; on Anvil the deployer when absent. */
  readonly owner: Hex | undefined
  /** Ask for an owner with code on a chain that does not demand it. */
  readonly contractOwner: boolean
  /** SHA-256 of the root certificate that quotes must end in; Intel's when absent, and always on Base. */
  readonly simulatedRoot: Hex | undefined
  /** Who may deny measurements beside the owner; nobody when absent. */
  readonly remover: Hex | undefined
  /** Handed to forge: who signs. */
  readonly signing: readonly string[]
  /** Where the deployment is recorded: deployments/<chain id>.json when absent. */
  readonly out: string | undefined
}

/** How to call it. */
export const USAGE = `usage: deploy.ts anvil|sepolia|mainnet [--rpc-url URL] [--owner ADDRESS] [--contract-owner]
         [--simulated-root SHA256] [--remover ADDRESS] [--out FILE] [--broadcast] [-- FORGE SIGNING OPTIONS]
--rpc-url defaults to RPC_URL, on Anvil to http://127.0.0.1:8545. Signing options are forge's own: --account NAME,
--keystore FILE, --ledger, --trezor, or --unlocked --sender ADDRESS; on Anvil its first account when absent.
--simulated-root is the SHA-256 of another root certificate than Intel's that quotes end in; mainnet refuses it.
`

const ANVIL_SIGNING = ['--unlocked', '--sender', '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266']

/**
 * Reads the command line.
 * @throws DeployError `USAGE`
 */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DeployOptions {
  const end = args.indexOf('--')
  const own = end === -1 ? args : args.slice(0, end)
  const signing = end === -1 ? [] : args.slice(end + 1)
  const { values, positionals } = parseOwn(own)
  const [target, ...others] = positionals
  if (!isTarget(target) || others.length > 0) {
    throw new DeployError(
      'USAGE',
      `expected anvil, sepolia or mainnet, got ${positionals.join(' ')}`,
    )
  }
  const local = target === 'anvil'
  const rpcUrl = values['rpc-url'] ?? env['RPC_URL'] ?? (local ? 'http://127.0.0.1:8545' : '')
  if (!URL.canParse(rpcUrl)) throw new DeployError('USAGE', '--rpc-url: expected a URL')
  return {
    target,
    rpcUrl,
    broadcast: values.broadcast ?? local,
    owner: addressOf('--owner', values.owner),
    contractOwner: values['contract-owner'] ?? false,
    simulatedRoot: digestOf('--simulated-root', values['simulated-root']),
    remover: addressOf('--remover', values.remover),
    signing: signing.length === 0 && local ? ANVIL_SIGNING : signing,
    out: values.out,
  }
}

interface OwnOptions {
  readonly values: {
    readonly 'rpc-url'?: string
    readonly owner?: string
    readonly 'contract-owner'?: boolean
    readonly 'simulated-root'?: string
    readonly remover?: string
    readonly out?: string
    readonly broadcast?: boolean
  }
  readonly positionals: readonly string[]
}

function parseOwn(args: readonly string[]): OwnOptions {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'rpc-url': { type: 'string' },
        owner: { type: 'string' },
        'contract-owner': { type: 'boolean' },
        'simulated-root': { type: 'string' },
        remover: { type: 'string' },
        out: { type: 'string' },
        broadcast: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw new DeployError('USAGE', cause instanceof Error ? cause.message : 'cannot be read', {
      cause,
    })
  }
}

function isTarget(text: string | undefined): text is keyof typeof TARGETS {
  return text !== undefined && Object.hasOwn(TARGETS, text)
}

function addressOf(name: string, text: string | undefined): Hex | undefined {
  if (text === undefined) return undefined
  if (!/^0x[0-9a-fA-F]{40}$/.test(text) || /^0x0{40}$/.test(text)) {
    throw new DeployError('USAGE', `${name}: expected a non-zero address, got ${text}`)
  }
  return text as Hex
}

function digestOf(name: string, text: string | undefined): Hex | undefined {
  if (text === undefined) return undefined
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) {
    throw new DeployError('USAGE', `${name}: expected 0x and 64 hex characters, got ${text}`)
  }
  return lowercase(text as Hex)
}
