import type { ClientOptions } from '@jeju/sdk'
import { parseEther } from 'viem'
import type { Network } from './network.ts'

/** What a client of this network is told: whom it asks, who pays, and what it judges by. */
export function clientOf(
  { chain, trustAnchor, policy, collateral, gpu, wallet }: Network,
  gateway: { readonly url: string },
  walletIndex: number,
): ClientOptions {
  return {
    gateway: gateway.url,
    wallet: wallet(walletIndex),
    deployment: chain.deployment,
    trustAnchor,
    policy,
    collateral,
    gpu,
    channelAmount: parseEther('0.01'),
    maxFeePerRequest: parseEther('0.001'),
  }
}
