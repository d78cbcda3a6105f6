import type { Deployment } from '@jeju/contracts'
import { createChainClient, watchChain, type ChainClient } from '../../chain/viem-client.ts'

/** A client that reads the contracts and has no key. Throws `CONFIG_CHAIN` when it is first asked on another chain. */
export function readOnly(rpcUrl: string, deployment: Deployment): ChainClient {
  return createChainClient(watchChain({ rpcUrl, chainId: deployment.chainId }), deployment)
}
