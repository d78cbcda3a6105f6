import {
  computeRegistryAbi,
  identityRegistryAbi,
  parseRegistrationFile,
  type Deployment,
  type RegistrationFile,
  type RegistrationPlace,
} from '@jeju/contracts'
import type { ChainClient } from './viem-client.ts'

/** What the chain says of a registered agent. */
export async function placeOf(
  client: Pick<ChainClient, 'read'>,
  deployment: Deployment,
  agentId: bigint,
): Promise<RegistrationPlace> {
  const { chainId, identityRegistry, computeRegistry } = deployment
  const { endpoint } = await client.read({
    address: computeRegistry,
    abi: computeRegistryAbi,
    functionName: 'providerOf',
    args: [agentId],
  })
  return { agentId, chainId, identityRegistry, computeRegistry, endpoint }
}

/** The agent's registration file, compared with the registry. Throws `RegistrationFileError`. */
export async function readRegistration(
  client: Pick<ChainClient, 'read'>,
  deployment: Deployment,
  agentId: bigint,
): Promise<RegistrationFile> {
  const uri = await client.read({
    address: deployment.identityRegistry,
    abi: identityRegistryAbi,
    functionName: 'tokenURI',
    args: [agentId],
  })
  return parseRegistrationFile(uri, await placeOf(client, deployment, agentId))
}
