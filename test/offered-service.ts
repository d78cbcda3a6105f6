import { connectWallet, createProvider, type Wallet } from '@jeju/sdk'
import type { LocalChain } from '../demo/network/chain.ts'

/** The wallet of an account of a local chain. */
export function walletOf({ rpcUrl, chainId, account }: LocalChain, index: number): Wallet {
  return connectWallet({ rpcUrl, chainId, account: account(index) })
}

/** Mints, bonds and registers an agent of that account, and offers one service. */
export async function offerService(
  chain: LocalChain,
  index: number,
  price: {
    readonly inPerMTok: bigint
    readonly outPerMTok: bigint
    readonly maxOutputTokens: number
  },
): Promise<{ readonly agentId: bigint; readonly serviceId: number }> {
  const { deployment } = chain
  const provider = createProvider({ wallet: walletOf(chain, index), deployment })
  const agentId = await provider.mintAgent()
  await provider.stake(agentId, 10n ** 17n)
  await provider.register(agentId, 'https://node.test')
  const serviceId = await provider.addService(
    agentId,
    `0x${'ab'.repeat(32)}`,
    'enclave-mini',
    price,
  )
  return { agentId, serviceId }
}
