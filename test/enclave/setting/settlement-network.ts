import { computeRegistryAbi } from '@jeju/contracts'
import { createLedger, type Ledger } from '@jeju/sdk'
import {
  addressOf,
  attestationDigest,
  authDigest,
  bindingIdOf,
  randomBytes32,
  receiptDigest,
  signDigest,
  toHex,
  type Hex,
} from '@jeju/verifier/protocol'
import { createTestClient, http, publicActions, walletActions } from 'viem'
import { foundry } from 'viem/chains'
import { startChain, type LocalChain } from '../../../demo/network/chain.ts'
import type { SettlementItem } from '../../../enclave/src/chain/node-chain.ts'
import type { CollateralSource } from '../../../enclave/src/chain/verification.ts'
import { offerService, walletOf } from '../../offered-service.ts'

/** Account of the node under test, and of who only pays gas. */
const [OPERATOR, USER, SIGNER] = [0, 1, 2] as const
const PRICE = { inPerMTok: 10n ** 15n, outPerMTok: 10n ** 15n, maxOutputTokens: 1_000_000 }

/** Where collateral comes from where nothing is attested. */
export const NO_COLLATERAL: CollateralSource = {
  collateralFor: () => Promise.reject(new Error('no collateral')),
  evaluationNumbers: () => Promise.reject(new Error('no collateral')),
}

/** What a test does to a chain of one machine. */
export type AnvilClient = ReturnType<typeof anvilClient>

/** The deployed contracts with one agent, one bound signer and one channel. */
export interface SettlementNetwork {
  readonly chain: LocalChain
  readonly anvil: AnvilClient
  readonly operator: Hex
  readonly signerKey: Uint8Array
  readonly signer: Hex
  readonly channelId: Hex
  /** A new receipt of the channel; the fee is 10^9 wei for each token. */
  item(outputTokens?: number): Promise<SettlementItem>
  spent(): Promise<bigint>
  /** A new channel with the same agent that is paid by vouchers; 10^18 wei are locked. */
  openVoucherChannel(): Promise<{ readonly channelId: Hex; readonly sessionKey: Uint8Array }>
  channelOf: Ledger['channelOf']
  /** Forgets every transaction that is in no block. */
  dropPending(): Promise<void>
}

export function feeOfTokens(tokens: number): bigint {
  return BigInt(tokens) * 10n ** 9n
}

/** Starts the chain and does what operator, node and user do before the first prompt. */
export async function startSettlementNetwork(): Promise<SettlementNetwork> {
  const chain = await startChain()
  const { rpcUrl, chainId, deployment } = chain
  const anvil = anvilClient(rpcUrl)
  const { agentId, serviceId } = await offerService(chain, OPERATOR, PRICE)
  const operatorWallet = walletOf(chain, OPERATOR)

  const signerKey = chain.privateKey(SIGNER)
  const signer = addressOf(signerKey)
  const operator = addressOf(chain.privateKey(OPERATOR))
  const some: Hex = `0x${'cd'.repeat(32)}`
  const statement = {
    agentId,
    operator,
    signer,
    keysetDigest: some,
    modelCatalogDigest: some,
    postureDigest: some,
    gpuDevicesDigest: `0x${'00'.repeat(32)}` as Hex,
    instanceId: some,
  }
  const registry = { chainId: BigInt(chainId), verifyingContract: deployment.computeRegistry }
  const bindingId = bindingIdOf(statement, registry)
  const contract = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const approve = {
    ...contract,
    functionName: 'approveBinding',
    args: [statement],
  } as const
  await mined(anvil, await operatorWallet.writeContract(approve))
  const block = await anvil.getBlock()
  const call = {
    evidenceHash: some,
    blockNumber: block.number - 1n,
    validUntil: block.timestamp + 3_600n,
    deadline: block.timestamp + 600n,
  }
  const signature = signDigest(attestationDigest({ ...call, bindingId }, registry), signerKey)
  const { evidenceHash, blockNumber, validUntil, deadline } = call
  const args = [statement, evidenceHash, blockNumber, validUntil, deadline, signature] as const
  const bind = { ...contract, functionName: 'bindSigner', args } as const
  await mined(anvil, await operatorWallet.writeContract(bind))

  const sessionKey = randomBytes32()
  const ledger = createLedger({ wallet: walletOf(chain, USER), deployment })
  await ledger.deposit(10n ** 18n)
  const opening = { agentId, serviceId, priceVersion: 1, amount: 10n ** 18n }
  const { channelId } = await ledger.openChannel({ ...opening, sessionKey: addressOf(sessionKey) })

  const serving = { chainId: BigInt(chainId), verifyingContract: deployment.inferenceServing }
  let nonce = 0n
  return {
    chain,
    anvil,
    operator,
    signerKey,
    signer,
    channelId,
    item: async (outputTokens = 1_000_000) => {
      const { timestamp } = await anvil.getBlock()
      const auth = {
        channelId,
        nonce: nonce++,
        bindingId,
        requestHash: toHex(randomBytes32()),
        maxFee: 10n ** 17n,
        validUntil: timestamp + 1_800n,
      }
      const authHash = authDigest(auth, serving)
      const receipt = {
        authHash,
        responseHash: toHex(randomBytes32()),
        inputTokens: 0,
        outputTokens,
        finish: 0,
        issuedAt: timestamp,
      }
      return {
        auth,
        authSig: signDigest(authHash, sessionKey),
        receipt,
        receiptSig: signDigest(receiptDigest(receipt, serving), signerKey),
      }
    },
    openVoucherChannel: async () => {
      const key = randomBytes32()
      const terms = { ...opening, sessionKey: addressOf(key), mode: 'VOUCHER' } as const
      const opened = await ledger.openChannel(terms)
      return { channelId: opened.channelId, sessionKey: key }
    },
    channelOf: ledger.channelOf,
    spent: async () => (await ledger.channelOf(channelId)).spent,
    dropPending: async () => {
      type Drop = { Method: 'anvil_dropAllTransactions'; Parameters: []; ReturnType: null }
      await anvil.request<Drop>({ method: 'anvil_dropAllTransactions', params: [] })
    },
  }
}

async function mined(anvil: AnvilClient, hash: Hex): Promise<void> {
  const { status } = await anvil.waitForTransactionReceipt({ hash, pollingInterval: 50 })
  if (status !== 'success') throw new Error(`transaction ${hash} reverted`)
}

function anvilClient(rpcUrl: string) {
  return createTestClient({
    chain: foundry,
    mode: 'anvil',
    transport: http(rpcUrl),
    cacheTime: 0,
    pollingInterval: 50,
  })
    .extend(publicActions)
    .extend(walletActions)
}
