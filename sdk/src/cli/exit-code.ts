import { DeploymentError } from '@jeju/contracts'
import { VerifierError } from '@jeju/verifier'
import { SdkError, type SdkErrorCode } from '../errors/sdk-error.ts'
import { UsageError } from './usage-error.ts'

/** What a command ends with; the numbers that it shares with `jeju-verify` mean the same. */
export const EXIT = {
  ok: 0,
  /** A fault of this program. */
  internal: 1,
  /** The command line, a setting or a file that it names. */
  usage: 2,
  /** A node, an answer or a receipt did not pass. */
  refused: 10,
  /** Gateway, node or RPC did not answer, or nobody offers the model. */
  unreachable: 20,
  /** A record that nobody can read. */
  malformed: 30,
  /** A contract, the wallet's money or the budget said no. */
  chain: 40,
} as const

/** The lines of `--help` about exit codes. */
export const EXIT_HELP = `Exit code: 0 done; 2 the command line, a setting or a file; 10 something was not verified;
20 gateway, node or RPC out of reach; 30 a record that cannot be read; 40 a contract, the wallet or the budget refused.
`

const CODES: Readonly<Partial<Record<SdkErrorCode, number>>> = {
  CONFIG_GATEWAY: EXIT.usage,
  CONFIG_CHAIN: EXIT.usage,
  CONFIG_ENDPOINT: EXIT.usage,
  CONFIG_AMOUNT: EXIT.usage,
  CONFIG_WALLET: EXIT.usage,
  STORE_FAILED: EXIT.usage,
  REQUEST_INVALID: EXIT.usage,
  RECORD_INVALID: EXIT.malformed,
  NOT_VERIFIED: EXIT.refused,
  NO_PROVIDER: EXIT.unreachable,
  NO_PROVIDER_ALLOWED: EXIT.unreachable,
  PROVIDER_UNAVAILABLE: EXIT.unreachable,
  GATEWAY_UNAVAILABLE: EXIT.unreachable,
  GATEWAY_ANSWER: EXIT.unreachable,
  CHAIN_READ: EXIT.unreachable,
  CHAIN_WRITE: EXIT.chain,
  CHAIN_REVERT: EXIT.chain,
  CHAIN_EVENT: EXIT.chain,
  CHANNEL_UNKNOWN: EXIT.chain,
  BUDGET_EXHAUSTED: EXIT.chain,
}

/** How an error ends a command: exit code, stable code where it has one, message. */
export interface Ending {
  readonly exit: number
  readonly code: string
  readonly message: string
}

/** The ending of an error; of a foreign one only its kind is told. */
export function endingOf(error: unknown): Ending {
  if (error instanceof UsageError)
    return { exit: EXIT.usage, code: 'USAGE', message: error.message }
  if (error instanceof SdkError) {
    const { code, message } = error
    return { exit: CODES[code] ?? EXIT.internal, code, message }
  }
  if (error instanceof DeploymentError || error instanceof VerifierError) {
    return { exit: EXIT.usage, code: error.code, message: error.message }
  }
  const message = error instanceof Error ? error.name : 'unknown error'
  return { exit: EXIT.internal, code: 'INTERNAL', message }
}
