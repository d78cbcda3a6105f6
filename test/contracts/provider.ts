import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  type TokenPrice,
} from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { createWalletClient, http, numberToHex, parseEther, publicActions } from 'viem'
import { foundry } from 'viem/chains'
import { expect } from 'vitest'
import type { LocalChain } from '../../demo/network/chain.ts'

/** A wallet of the local chain that also reads it. */
export type Wallet = ReturnType<typeof walletFor>

/** Account `index` of the local chain. */
export function walletFor(chain: LocalChain, index: number) {
  return createWalletClient({
    account: chain.account(index),
    chain: foundry,
    transport: http(chain.rpcUrl),
  }).extend(publicActions)
}

/** Waits for a transaction, which has to succeed. */
export async function mined(wallet: Wallet, sent: Promise<Hex>): Promise<void> {
  const { status } = await wallet.waitForTransactionReceipt({ hash: await sent })
  expect(status).toBe('success')
}

/** The wallet's agent 0: minted, bonded, registered. */
export async function becomeProvider({ deployment }: LocalChain, wallet: Wallet): Promise<void> {
  const { identityRegistry, computeStaking, computeRegistry } = deployment
  await mined(
    wallet,
    wallet.writeContract({
      address: identityRegistry,
      abi: identityRegistryAbi,
      functionName: 'register',
    }),
  )
  await mined(
    wallet,
    wallet.writeContract({
      address: computeStaking,
      abi: computeStakingAbi,
      functionName: 'stakeAsProvider',
      args: [0n],
      value: parseEther('0.1'),
    }),
  )
  await mined(
    wallet,
    wallet.writeContract({
      address: computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'register',
      args: [0n, 'http://127.0.0.1'],
    }),
  )
}

/** What opens a channel of the wallet's, of one wei, to a service that is added at this price. */
export async function channelOpening(chain: LocalChain, wallet: Wallet, price: TokenPrice) {
  const registry = { address: chain.deployment.computeRegistry, abi: computeRegistryAbi } as const
  const row = { ...price, maxOutputTokens: 1, effectiveFrom: 0n }
  await mined(
    wallet,
    wallet.writeContract({
      ...registry,
      functionName: 'addService',
      args: [0n, numberToHex(9, { size: 32 }), 'm', row],
    }),
  )
  const count = await wallet.readContract({ ...registry, functionName: 'serviceCount', args: [0n] })
  return {
    user: wallet.account.address,
    agentId: 0n,
    serviceId: count - 1,
    priceVersion: 1,
    mode: 0,
    amount: 1n,
    sessionKey: wallet.account.address,
    salt: 0n,
  }
}
