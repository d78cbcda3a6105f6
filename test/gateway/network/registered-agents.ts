import { computeRegistryAbi, computeStakingAbi, identityRegistryAbi } from '@jeju/contracts'
import { createTestClient, http, numberToHex, publicActions, walletActions, type Hex } from 'viem'
import { foundry } from 'viem/chains'
import type { LocalChain } from '../../../demo/network/chain.ts'

/** More than any of these transactions takes: what the list of agents costs depends on who comes first. */
const GAS = 1_000_000n
const PRICE = { inPerMTok: 5n, outPerMTok: 7n, maxOutputTokens: 256, effectiveFrom: 0n }

/**
 * Registers so many agents from 0 on, all of one owner, at `https://node-<id>.test`, each with a bond of 0.1 ether and
 * a service of model `model-<id>`. Transactions are sent many at once, by an account that Anvil signs for.
 */
export async function registerAgents(
  { rpcUrl, deployment, account }: LocalChain,
  count: number,
): Promise<void> {
  const client = createTestClient({
    chain: foundry,
    mode: 'anvil',
    transport: http(rpcUrl, { batch: true }),
    account: account(0).address,
  })
    .extend(walletActions)
    .extend(publicActions)
  const identity = { address: deployment.identityRegistry, abi: identityRegistryAbi } as const
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ids = Array.from({ length: count }, (_, id) => BigInt(id))
  const address = account(0).address
  let nonce = await client.getTransactionCount({ address })
  const ofEach = async (send: (agentId: bigint, own: object) => Promise<Hex>): Promise<void> => {
    const sent = await Promise.all(ids.map((id) => send(id, { nonce: nonce++, gas: GAS })))
    while ((await client.getTransactionCount({ address })) < nonce) await client.mine({ blocks: 1 })
    const receipts = await Promise.all(sent.map((hash) => client.getTransactionReceipt({ hash })))
    if (receipts.some(({ status }) => status !== 'success')) throw new Error('expected no revert')
  }
  // Blocks are made when all of a step are there: they arrive in any order.
  await client.setAutomine(false)
  await ofEach((_id, own) =>
    client.writeContract({ ...identity, functionName: 'register', args: [''], ...own }),
  )
  await ofEach((id, own) => {
    const call = { ...staking, functionName: 'stakeAsProvider', args: [id] } as const
    return client.writeContract({ ...call, value: 10n ** 17n, ...own })
  })
  await ofEach((id, own) => {
    const args = [id, `https://node-${id}.test`] as const
    return client.writeContract({ ...registry, functionName: 'register', args, ...own })
  })
  await ofEach((id, own) => {
    const args = [id, numberToHex(id + 1n, { size: 32 }), `model-${id}`, PRICE] as const
    return client.writeContract({ ...registry, functionName: 'addService', args, ...own })
  })
  await client.setAutomine(true)
}
