import { BaseError, ContractFunctionRevertedError } from 'viem'
import { DeploymentError } from '@jeju/contracts'
import { DcapError } from '@jeju/contracts/dcap'
import { ChainError } from './node-chain.ts'

/** Whatever an RPC call failed with, as a {@link ChainError}; others of our own errors stay. */
export function chainFailure(cause: unknown): Error {
  if (cause instanceof ChainError || cause instanceof DeploymentError) return cause
  if (cause instanceof DcapError) {
    const again = cause.code === 'CHAIN_UNAVAILABLE'
    return new ChainError(again ? 'CHAIN_UNAVAILABLE' : 'CHAIN_REFUSED', cause.message)
  }
  if (!(cause instanceof BaseError)) return new ChainError('CHAIN_UNAVAILABLE', 'unexpected error')
  const revert = cause.walk((inner) => inner instanceof ContractFunctionRevertedError)
  if (revert instanceof ContractFunctionRevertedError) {
    return new ChainError('CHAIN_REFUSED', `refused: ${revert.data?.errorName ?? 'no reason'}`)
  }
  // viem's full message repeats the call's arguments and the RPC's address.
  return new ChainError('CHAIN_UNAVAILABLE', cause.shortMessage.slice(0, 200))
}
