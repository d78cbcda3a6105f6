import {
  DeploymentError,
  lowercase,
  peersAbi,
  requireWiring,
  type Deployment,
} from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import {
  createWalletClient,
  defineChain,
  fallback,
  http,
  parseEventLogs,
  publicActions,
  zeroAddress,
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
import { withCode } from './viem-error.ts'

/** A viem wallet client with account and chain; its transport is the caller's RPC, for reads too. */
export type Wallet = WalletClient<Transport, Chain, Account>

/**
 * A {@link Wallet} of a viem account. Calls made together travel in one request. An RPC decides what is answered, not who is
 * asked next: a redirect is an error, and no contract has another server asked (EIP-3668).
 */
export function connectWallet(options: {
  /** RPC services; each is asked where those before it do not answer. */
  readonly rpcUrl: string | readonly string[]
  readonly chainId: number
  readonly account: Account
}): Wallet {
  const { rpcUrl, chainId, account } = options
  const urls = typeof rpcUrl === 'string' ? [rpcUrl] : rpcUrl
  const chain = defineChain({
    id: chainId,
    name: `eip155:${chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: urls } },
  })
  const fetchOptions = { redirect: 'error' } as const
  const services = urls.map((url) => http(url, { batch: true, fetchOptions }))
  const transport = fallback(services, { rank: false })
  return createWalletClient({ account, chain, transport, ccipRead: false })
}

/** A {@link Wallet} that nobody has the key of: good for reading. */
export function watchChain(options: { readonly rpcUrl: string; readonly chainId: number }): Wallet {
  return connectWallet({ ...options, account: { address: zeroAddress, type: 'json-rpc' } })
}

type Readable = 'pure' | 'view'
type Writable = 'nonpayable' | 'payable'

/** One call of a contract function that changes state. `value` in wei. */
interface ContractWrite<
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
interface Confirmed<Result> {
  readonly hash: Hex
  readonly result: Result
  readonly logs: readonly Log[]
}

/** The part of viem this SDK uses. Everything a contract refuses is `CHAIN_REVERT` with the contract's error name. */
export interface ChainClient {
  /** The wallet's address, lower case. */
  readonly account: Hex
  /** Number of the newest block. */
  head(): Promise<bigint>
  read<
    const abi extends Abi,
    name extends ContractFunctionName<abi, Readable>,
    const args extends ContractFunctionArgs<abi, Readable, name>,
  >(
    call: ReadContractParameters<abi, name, args>,
  ): Promise<ReadContractReturnType<abi, name, args>>
  /**
   * Simulates, sends, and waits until the transaction is in a block. Writes go out one after another. `beforeSend` gets
   * what the simulation returned; without its end nothing is sent.
   */
  write<
    const abi extends Abi,
    name extends ContractFunctionName<abi, Writable>,
    const args extends ContractFunctionArgs<abi, Writable, name>,
  >(
    call: ContractWrite<abi, name, args>,
    beforeSend?: (
      result: SimulateContractReturnType<abi, name, args>['result'],
    ) => void | Promise<void>,
  ): Promise<Confirmed<SimulateContractReturnType<abi, name, args>['result']>>
}

/** Narrows a wallet to what the SDK needs. Throws `CONFIG_CHAIN` when it is configured for another chain. */
export function createChainClient(wallet: Wallet, deployment: Deployment): ChainClient {
  if (wallet.chain.id !== deployment.chainId) throw wrongChain(deployment.chainId, wallet.chain.id)
  // Whatever the caller's own wallet does with its lookups: it reads here without them.
  const client = publicActions({ ...wallet, ccipRead: false })
  // The configured id is only a word; the node behind the RPC is asked once (attack T6), and the contracts for each
  // other: a look-alike of a registry is never believed (attack R16).
  let sameChain: Promise<void> | undefined
  const onSameChain = async (): Promise<void> => {
    const actual = await client.getChainId()
    if (actual !== deployment.chainId) throw wrongChain(deployment.chainId, actual)
    await requireWiring(deployment, (address, functionName) =>
      client.readContract({ address, abi: peersAbi, functionName }),
    ).catch((error: unknown) => {
      if (!(error instanceof DeploymentError)) throw error
      throw new SdkError('CONFIG_CHAIN', error.message)
    })
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
  const confirmed = async (name: string, hash: Hex): Promise<readonly Log[]> => {
    const { status, logs, transactionHash } = await client.waitForTransactionReceipt({ hash })
    // Another process with the same key took the nonce: what happened there is nothing of ours.
    if (transactionHash !== hash) {
      throw new SdkError('CHAIN_WRITE', `${name}: ${hash} was replaced by ${transactionHash}`)
    }
    if (status === 'success') return logs
    throw new SdkError('CHAIN_REVERT', `${name}: reverted in ${hash}`)
  }
  // Two transactions prepared at once would take the same account nonce.
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <Value>(name: string, send: () => Promise<Value>): Promise<Value> => {
    const sent = queue.then(() =>
      withCode('CHAIN_WRITE', name, async () => {
        await checkChain()
        return send()
      }),
    )
    queue = sent.catch(() => undefined)
    return sent
  }
  return {
    account: lowercase(wallet.account.address),
    head: () =>
      withCode('CHAIN_READ', 'eth_blockNumber', async () => {
        await checkChain()
        return client.getBlockNumber({ cacheTime: 0 })
      }),
    read: (call) =>
      withCode('CHAIN_READ', call.functionName, async () => {
        await checkChain()
        return client.readContract(call)
      }),
    write: (call, beforeSend) =>
      inTurn(call.functionName, async () => {
        const { request, result } = await client.simulateContract({
          ...call,
          account: wallet.account,
        })
        await beforeSend?.(result)
        // viem's own pairing of the two calls; its types do not follow a generic ABI.
        const hash = await wallet.writeContract(request as unknown as WriteContractParameters)
        return { hash, result, logs: await confirmed(call.functionName, hash) }
      }),
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
