import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  type Deployment,
} from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import {
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  decodeErrorResult,
  parseEventLogs,
  publicActions,
  type Abi,
  type Account,
  type Chain,
  type ContractEventName,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Log,
  type ParseEventLogsReturnType,
  type ReadContractParameters,
  type ReadContractReturnType,
  type SimulateContractReturnType,
  type Transport,
  type WalletClient,
  type WriteContractParameters,
} from 'viem'
import { SdkError } from '../errors/sdk-error.ts'

/** A viem wallet client with account and chain; its transport is the caller's RPC, for reads too. */
export type Wallet = WalletClient<Transport, Chain, Account>

type Readable = 'pure' | 'view'
type Writable = 'nonpayable' | 'payable'

/** One call of a contract function that changes state. `value` in wei. */
export interface ContractWrite<
  abi extends Abi,
  name extends ContractFunctionName<abi, Writable>,
  args extends ContractFunctionArgs<abi, Writable, name>,
> {
  readonly address: Hex
  readonly abi: abi
  readonly functionName: name
  readonly args: args
  readonly value?: bigint
}

/** A confirmed transaction: the value its simulation returned, and its logs. */
export interface Confirmed<Result> {
  readonly hash: Hex
  readonly result: Result
  readonly logs: readonly Log[]
}

/** The part of viem this SDK uses. Everything a contract refuses is `CHAIN_REVERT` with the contract's error name. */
export interface ChainClient {
  /** The wallet's address, lower case. */
  readonly account: Hex
  read<
    const abi extends Abi,
    name extends ContractFunctionName<abi, Readable>,
    const args extends ContractFunctionArgs<abi, Readable, name>,
  >(
    call: ReadContractParameters<abi, name, args>,
  ): Promise<ReadContractReturnType<abi, name, args>>
  /** Simulates, sends, and waits until the transaction is in a block. Writes go out one after another. */
  write<
    const abi extends Abi,
    name extends ContractFunctionName<abi, Writable>,
    const args extends ContractFunctionArgs<abi, Writable, name>,
  >(
    call: ContractWrite<abi, name, args>,
  ): Promise<Confirmed<SimulateContractReturnType<abi, name, args>['result']>>
}

/** Errors that bubble up from a contract called by the called one; its own ABI does not name them. */
const ALL_ERRORS = [
  ...computeRegistryAbi,
  ...computeStakingAbi,
  ...identityRegistryAbi,
  ...inferenceServingAbi,
  ...ledgerManagerAbi,
].filter((item) => item.type === 'error')

/** Narrows a wallet to what the SDK needs. Throws `CONFIG_CHAIN` when it is configured for another chain. */
export function createChainClient(wallet: Wallet, deployment: Deployment): ChainClient {
  if (wallet.chain.id !== deployment.chainId) throw wrongChain(deployment.chainId, wallet.chain.id)
  const client = wallet.extend(publicActions)
  // The configured id is only a word; the node behind the RPC is asked once (attack T6).
  let sameChain: Promise<void> | undefined
  const onSameChain = async (): Promise<void> => {
    const actual = await client.getChainId()
    if (actual !== deployment.chainId) throw wrongChain(deployment.chainId, actual)
  }
  const checkChain = async (): Promise<void> => {
    sameChain ??= onSameChain()
    try {
      await sameChain
    } catch (error) {
      sameChain = undefined
      throw error
    }
  }
  // Two transactions prepared at once would take the same account nonce.
  let queue: Promise<unknown> = Promise.resolve()
  return {
    account: lowercase(wallet.account.address),
    read: (call) =>
      coded('CHAIN_READ', call.functionName, async () => {
        await checkChain()
        return client.readContract(call)
      }),
    write: (call) => {
      const sent = queue.then(() =>
        coded('CHAIN_WRITE', call.functionName, async () => {
          await checkChain()
          const { request, result } = await client.simulateContract({
            ...call,
            account: wallet.account,
          })
          // viem's own pairing of the two calls; its types do not follow a generic ABI.
          const hash = await client.writeContract(request as unknown as WriteContractParameters)
          const { status, logs } = await client.waitForTransactionReceipt({ hash })
          if (status !== 'success') {
            throw new SdkError('CHAIN_REVERT', `${call.functionName}: reverted in ${hash}`)
          }
          return { hash, result, logs }
        }),
      )
      queue = sent.catch(() => undefined)
      return sent
    },
  }
}

/** The one event of this name in the logs of a transaction. Throws `CHAIN_EVENT` when it is not there. */
export function eventOf<const abi extends Abi, name extends ContractEventName<abi>>(
  abi: abi,
  eventName: name,
  address: Hex,
  logs: readonly Log[],
): ParseEventLogsReturnType<abi, name, true>[number] {
  const own = logs.filter((log) => lowercase(log.address) === address)
  const [event] = parseEventLogs({ abi, eventName, logs: own })
  if (event === undefined) {
    throw new SdkError('CHAIN_EVENT', `${address}: expected the event ${eventName}, got none`)
  }
  return event
}

function wrongChain(expected: number, actual: number): SdkError {
  return new SdkError('CONFIG_CHAIN', `chain id: expected ${expected}, got ${actual}`)
}

async function coded<Value>(
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
    const reason = cause instanceof BaseError ? cause.shortMessage : 'the wallet or RPC failed'
    throw new SdkError(code, `${functionName}: ${reason}`, { cause })
  }
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

/** Lower case of an address: equal addresses are equal strings. */
export function lowercase(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
