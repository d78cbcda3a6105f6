import { parseArgs, type ParseArgsConfig } from 'node:util'
import { UsageError } from './usage-error.ts'

interface TextFlag {
  readonly type: 'string'
}

/** `--json`, which every command knows. */
export const JSON_FLAG: { readonly json: { readonly type: 'boolean' } } = {
  json: { type: 'boolean' },
}

/** Which contracts, and whom to trust. */
export const NETWORK_FLAGS: Readonly<
  Record<
    'network' | 'rpc' | 'deployment' | 'policy' | 'root' | 'root-name' | 'collateral' | 'gateway',
    TextFlag
  >
> = {
  network: { type: 'string' },
  rpc: { type: 'string' },
  deployment: { type: 'string' },
  policy: { type: 'string' },
  root: { type: 'string' },
  'root-name': { type: 'string' },
  collateral: { type: 'string' },
  gateway: { type: 'string' },
}

/** The lines of `--help` about {@link NETWORK_FLAGS}. */
export const NETWORK_HELP = `  --network FOLDER      deployment.json, policy.json, network.json, root.der: what the flags below do not say
  --rpc URL             RPC of the chain
  --deployment FILE     addresses of the contracts
  --gateway URL         gateway: https, or http on loopback
  --policy FILE         what is accepted of nodes (docs/protocol.md §4)
  --collateral URL      PCCS; Intel's own service without it
  --root FILE           root certificate (DER) that is not Intel's: every verdict is then "simulated"
  --root-name NAME      what to call it`

/** Who pays, and where channels and receipts are kept. */
export const WALLET_FLAGS: Readonly<
  Record<'key-file' | 'keystore' | 'password-file' | 'home', TextFlag>
> = {
  'key-file': { type: 'string' },
  keystore: { type: 'string' },
  'password-file': { type: 'string' },
  home: { type: 'string' },
}

/** The line of `--help` about `--home`. */
export const HOME_HELP: string = `  --home FOLDER         where channels and receipts are kept; ~/.jeju without it`

/** The lines of `--help` about {@link WALLET_FLAGS}. */
export const WALLET_HELP: string = `  --key-file FILE       private key, 64 hex digits; or JEJU_PRIVATE_KEY
  --keystore FILE       Web3 Secret Storage, version 3
  --password-file FILE  its password; or JEJU_KEYSTORE_PASSWORD
${HOME_HELP}`

/** The lines of `--help` about what every command has. */
export const COMMON_HELP = `  --json                one line of JSON a result
  --help                this text

Every flag that names a file, folder or address can stand in the environment: --key-file as JEJU_KEY_FILE.`

type Flags = NonNullable<ParseArgsConfig['options']>
type Parsed<Options extends Flags> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true }>
>

/** Flags and operands of a command line. Throws a UsageError. */
export function readArguments<Options extends Flags>(
  args: readonly string[],
  options: Options,
): Parsed<Options> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // The first sentence names the flag; what follows is advice on quoting.
    throw new UsageError(error.message.split(/\.\s|\n/)[0] ?? error.message, { cause: error })
  }
}

/** The one operand of a command. Throws a UsageError. */
export function oneOperand(positionals: readonly string[], what: string): string {
  const [operand, ...others] = positionals
  if (operand === undefined || others.length > 0) throw new UsageError(`expected one ${what}`)
  return operand
}

/** That a command has no operands. Throws a UsageError. */
export function noOperand(positionals: readonly string[]): void {
  const [first] = positionals
  if (first !== undefined) throw new UsageError(`unexpected operand ${JSON.stringify(first)}`)
}
