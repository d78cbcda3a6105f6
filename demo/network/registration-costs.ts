import { computeRegistryAbi, gpuDevicesAbi, tdxVerifierAbi } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { parseEventLogs } from 'viem'
import type { LocalChain } from './chain.ts'
import { chainReader } from './rpc.ts'

/** One transaction of a node on its way into the registry. */
export interface RegistrationCost {
  readonly what: readonly string[]
  readonly gas: bigint
}

/** Events of TdxVerifier by what they say was brought. */
const BROUGHT: Readonly<Record<string, string>> = {
  RootSet: 'root certificate',
  AuthorityUpserted: 'CA or signing certificate',
  RevocationListUpserted: 'revocation list',
  EvaluationNumbersUpserted: 'evaluation numbers',
  QeIdentityUpserted: 'QE identity',
  TcbInfoUpserted: 'TCB info',
  PckCached: 'PCK certificate',
}

/** What the transactions of a signer cost, as the chain has them: collateral first, then its registrations. */
export async function registrationCosts(
  { rpcUrl, deployment }: LocalChain,
  signer: Hex,
): Promise<readonly RegistrationCost[]> {
  const { tdx, computeRegistry, deployedAtBlock } = deployment
  if (tdx === undefined) return []
  const client = chainReader(rpcUrl)
  const gpuDevices = await client.readContract({
    address: computeRegistry,
    abi: computeRegistryAbi,
    functionName: 'gpuDevices',
  })
  const logs = await client.getLogs({
    address: [tdx.tdxVerifier, computeRegistry, gpuDevices],
    fromBlock: BigInt(deployedAtBlock),
  })
  const hashes = new Set(logs.map(({ transactionHash }) => transactionHash))
  const costs: RegistrationCost[] = []
  for (const hash of hashes) {
    const { from, gasUsed, logs: own } = await client.getTransactionReceipt({ hash })
    if (from.toLowerCase() !== signer.toLowerCase()) continue
    const brought = parseEventLogs({ abi: tdxVerifierAbi, logs: own })
      .map(({ eventName }) => BROUGHT[eventName])
      .filter((name) => name !== undefined)
    const attested = parseEventLogs({ abi: computeRegistryAbi, eventName: 'Attested', logs: own })
    const claimed = parseEventLogs({ abi: gpuDevicesAbi, eventName: 'DeviceClaimed', logs: own })
    const what = [
      ...brought,
      ...attested.map(() => 'quote judged, binding registered'),
      ...(claimed.length === 0 ? [] : [`${claimed.length} GPU recorded as this binding's`]),
    ]
    if (what.length > 0) costs.push({ what, gas: gasUsed })
  }
  return costs
}
