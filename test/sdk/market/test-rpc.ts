import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  peersAbi,
  receiptRootsAbi,
  requireWiring,
  reputationRegistryAbi,
} from '@jeju/contracts'
import { toHex } from '@jeju/verifier/protocol'
import {
  createWalletClient,
  custom,
  decodeFunctionData,
  encodeErrorResult,
  encodeFunctionResult,
  getAddress,
  type Abi,
  type Hex,
  type Log,
} from 'viem'
import { foundry } from 'viem/chains'
import { deployment } from './deployment.ts'
import type { Wallet } from '@jeju/sdk'

export const ACCOUNT: Hex = getAddress(`0x${'ab'.repeat(20)}`)

/** What each contract says of its peers, by address and getter: the deployment is wired as it should be. */
const PEERS = new Map<string, Hex>()
await requireWiring(deployment, (contract, getter) => {
  if (getter === 'tdxVerifier' || getter === 'rootCertificateHash') {
    throw new Error('nothing judges quotes in this deployment')
  }
  const expected = getter === 'getIdentityRegistry' ? 'identityRegistry' : getter
  PEERS.set(`${contract} ${getter}`, deployment[expected])
  return Promise.resolve(deployment[expected])
})

const ABIS = {
  [deployment.reputationRegistry]: reputationRegistryAbi,
  [deployment.identityRegistry]: identityRegistryAbi,
  [deployment.computeStaking]: computeStakingAbi,
  [deployment.computeRegistry]: computeRegistryAbi,
  [deployment.ledgerManager]: ledgerManagerAbi,
  [deployment.inferenceServing]: inferenceServingAbi,
  [deployment.receiptRoots]: receiptRootsAbi,
}

/** What a contract answers: a value to return, or an error it reverts with. */
export type ContractAnswer =
  { readonly returns: unknown } | { readonly reverts: Parameters<typeof encodeErrorResult>[0] }

/** Answers by the name of the function. */
export const answering =
  (answers: Record<string, ContractAnswer>) =>
  (functionName: string): ContractAnswer => {
    const answer = answers[functionName]
    if (answer === undefined) throw new Error(`no answer for ${functionName}`)
    return answer
  }

/** A call as the contract sees it; `value` in wei. */
export interface SeenCall {
  readonly functionName: string
  readonly args: readonly unknown[]
  readonly value: bigint
}

/** What a call or a transaction says. */
export interface Transaction {
  readonly to: Hex
  readonly data: Hex
  readonly value?: Hex
}

/** An RPC in memory behind a real viem wallet: ABIs, encodings and errors are viem's and the contracts' own. */
export class TestRpc {
  readonly reads: SeenCall[] = []
  readonly sent: SeenCall[] = []
  /** What contracts answer of their peers, by address and getter. */
  readonly peers = new Map(PEERS)
  chainId = 31337
  status: '0x1' | '0x0' = '0x1'
  logs: readonly Partial<Log>[] = []
  readonly #answers: (functionName: string, args: readonly unknown[]) => ContractAnswer
  #inFlight = 0

  constructor(answers: (functionName: string, args: readonly unknown[]) => ContractAnswer) {
    this.#answers = answers
  }

  wallet(): Wallet {
    const transport = custom(
      {
        request: ({ method, params }: { method: string; params?: [Transaction] }) =>
          this.request(method, params?.[0]),
      },
      { retryCount: 0 },
    )
    return createWalletClient({ account: ACCOUNT, chain: foundry, transport, pollingInterval: 10 })
  }

  /** Answers one call, or throws the error of one that reverts. */
  async request(method: string, transaction: Transaction | undefined): Promise<unknown> {
    switch (method) {
      case 'eth_chainId':
        return `0x${this.chainId.toString(16)}`
      case 'eth_blockNumber':
        return '0x10'
      case 'eth_call':
        return this.#call(this.#read(transaction), abiAt(transaction?.to), transaction?.to)
      case 'eth_sendTransaction':
        if (++this.#inFlight > 1) throw new Error('two transactions at once')
        this.sent.push(this.#read(transaction))
        await new Promise((resolve) => setTimeout(resolve, 5))
        return toHex(new Uint8Array(32).fill(this.sent.length))
      case 'eth_getTransactionReceipt':
        this.#inFlight = 0
        return this.#receipt()
      default:
        throw new Error(`no method ${method}`)
    }
  }

  #call({ functionName, args, value }: SeenCall, abi: Abi, to: Hex | undefined): Hex {
    const peer = this.peers.get(`${String(to)} ${functionName}`)
    if (peer !== undefined) {
      return encodeFunctionResult({ abi: peersAbi, functionName: 'identityRegistry', result: peer })
    }
    this.reads.push({ functionName, args, value })
    const answer = this.#answers(functionName, args)
    if ('reverts' in answer) {
      throw Object.assign(new Error('execution reverted'), {
        code: 3,
        data: encodeErrorResult(answer.reverts),
      })
    }
    return encodeFunctionResult({
      abi,
      functionName,
      result: answer.returns,
    } as Parameters<typeof encodeFunctionResult>[0])
  }

  #read(transaction: Transaction | undefined): SeenCall {
    if (transaction === undefined) throw new Error('no transaction')
    const value = BigInt(transaction.value ?? 0)
    const abi = abiAt(transaction.to)
    const { functionName, args } = decodeFunctionData({ abi, data: transaction.data })
    return { functionName, args: args ?? [], value }
  }

  #receipt(): object {
    const hash = toHex(new Uint8Array(32).fill(this.sent.length))
    return {
      transactionHash: hash,
      transactionIndex: '0x0',
      blockHash: hash,
      blockNumber: '0x10',
      from: ACCOUNT,
      to: null,
      status: this.status,
      cumulativeGasUsed: '0x1',
      gasUsed: '0x1',
      effectiveGasPrice: '0x1',
      logsBloom: '0x',
      type: '0x2',
      contractAddress: null,
      logs: this.logs.map((log) => ({
        transactionHash: hash,
        transactionIndex: '0x0',
        blockHash: hash,
        blockNumber: '0x10',
        logIndex: '0x0',
        removed: false,
        ...log,
      })),
    }
  }
}

function abiAt(address: Hex | undefined): Abi {
  const abi = Object.entries(ABIS).find(([known]) => known === address)?.[1]
  if (abi === undefined) throw new Error(`no contract at ${String(address)}`)
  return abi
}
