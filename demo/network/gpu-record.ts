import { computeRegistryAbi, gpuDevicesAbi } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import type { LocalChain } from './chain.ts'
import { chainReader } from './rpc.ts'

/** Whether the chain has every GPU of a binding's statement as this binding's; in the world of simulated roots. */
export async function holdsItsGpus(
  { rpcUrl, deployment }: LocalChain,
  bindingId: Hex,
): Promise<boolean> {
  const client = chainReader(rpcUrl)
  const address = await client.readContract({
    address: deployment.computeRegistry,
    abi: computeRegistryAbi,
    functionName: 'gpuDevices',
  })
  const { wholeSince } = await client.readContract({
    address,
    abi: gpuDevicesAbi,
    functionName: 'claimOf',
    args: [bindingId, true],
  })
  return wholeSince !== 0n
}
