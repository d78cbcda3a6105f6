import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
} from '@jeju/contracts'
import {
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  decodeErrorResult,
  HttpRequestError,
} from 'viem'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'

/** Errors that bubble up from a contract called by the called one; its own ABI does not name them. */
const ALL_ERRORS = [
  ...computeRegistryAbi,
  ...computeStakingAbi,
  ...identityRegistryAbi,
  ...inferenceServingAbi,
  ...ledgerManagerAbi,
].filter((item) => item.type === 'error')

/** Runs a call of viem; what it throws becomes a coded error, `CHAIN_REVERT` where the contract itself refused. */
export async function withCode<Value>(
  code: 'CHAIN_READ' | 'CHAIN_WRITE',
  functionName: string,
  call: () => Promise<Value>,
): Promise<Value> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof SdkError) throw cause
    const revert = revertOf(cause)
    if (revert !== undefined) {
      throw new SdkError('CHAIN_REVERT', `${functionName}: ${revert}`, { cause })
    }
    throw new SdkError(code, `${functionName}: ${reasonOf(cause)}`, { cause })
  }
}

/** What went wrong with wallet or RPC; never with the RPC's address, in which there may be a key. */
function reasonOf(error: unknown): string {
  if (!(error instanceof BaseError)) return 'the wallet or RPC failed'
  const failed = error.walk((inner) => inner instanceof HttpRequestError)
  if (!(failed instanceof HttpRequestError)) return error.shortMessage
  const { status, cause } = failed
  return `the RPC: ${status === undefined ? networkReason(cause) : `status ${status}`}`
}

/** The contract's own error, by name and arguments; undefined when it was not the contract that refused. */
function revertOf(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined
  const found = error.walk(
    (inner) =>
      inner instanceof ContractFunctionRevertedError ||
      inner instanceof ContractFunctionZeroDataError,
  )
  if (found instanceof ContractFunctionZeroDataError) return 'there is no such contract'
  if (!(found instanceof ContractFunctionRevertedError)) return undefined
  if (found.data !== undefined) return written(found.data.errorName, found.data.args)
  if (found.raw !== undefined) {
    try {
      const { errorName, args } = decodeErrorResult({ abi: ALL_ERRORS, data: found.raw })
      return written(errorName, args)
    } catch {
      return `unknown error ${found.raw.slice(0, 10)}`
    }
  }
  return found.reason ?? 'reverted without a reason'
}

function written(errorName: string, args: readonly unknown[] | undefined): string {
  return `${errorName}(${(args ?? []).map(String).join(', ')})`
}
