import { computeStakingAbi, lowercase, type Deployment } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { createChainClient, type ChainClient, type Wallet } from '../chain/viem-client.ts'

/** Who stakes, as IComputeStaking numbers it; `NONE` is nobody. */
export const STAKING_ROLES = ['NONE', 'USER', 'PROVIDER', 'GUARDIAN'] as const

/** A role that can stake. */
export type StakingRole = Exclude<(typeof STAKING_ROLES)[number], 'NONE'>

/** A bond; amounts in wei. */
export interface Bond {
  readonly bondId: Hex
  readonly staker: Hex
  readonly bonded: bigint
  readonly unbonding: bigint
  /** Unix seconds from which what is unbonding may leave; 0 while nothing is. */
  readonly unlockAt: bigint
  /** Of the role, when the bond was last changed. */
  readonly minimum: bigint
  /** Held back by open cases. */
  readonly frozen: bigint
}

/** A wallet's bonds. Every write resolves once it is in a block; amounts in wei. `agentId` is 0 but for providers. */
export interface Staking {
  /** All zero where there is none. */
  bondOf(role: StakingRole, agentId?: bigint): Promise<Bond>
  /** Least that has to be bonded now. */
  minimumOf(role: StakingRole): Promise<bigint>
  /** Bonds, or adds to a bond. */
  stake(role: StakingRole, amount: bigint, agentId?: bigint): Promise<Hex>
  /** Begins the unbonding of a part or all; it stays slashable until the end. */
  requestUnstake(bondId: Hex, amount: bigint): Promise<Hex>
  cancelUnstake(bondId: Hex): Promise<Hex>
  /** Pays out what has unbonded; to the wallet unless said otherwise. */
  completeUnstake(bondId: Hex, to?: Hex): Promise<Hex>
}

/** Staking calls of a wallet. Throws `CONFIG_CHAIN` when the wallet is on another chain than the deployment. */
export function createStaking(options: {
  readonly wallet: Wallet
  readonly deployment: Deployment
}): Staking {
  const { wallet, deployment } = options
  return stakingOf(createChainClient(wallet, deployment), deployment)
}

function stakingOf(client: ChainClient, deployment: Deployment): Staking {
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const
  const numberOf = (role: StakingRole): number => STAKING_ROLES.indexOf(role)
  return {
    bondOf: async (role, agentId = 0n) => {
      const bondId = await client.read({
        ...staking,
        functionName: 'bondIdOf',
        args: [numberOf(role), agentId, client.account],
      })
      const [{ staker, bonded, unbonding, unlockAt, minimum }, frozen] = await Promise.all([
        client.read({ ...staking, functionName: 'bondOf', args: [bondId] }),
        client.read({ ...staking, functionName: 'frozenOf', args: [bondId] }),
      ])
      return { bondId, staker: lowercase(staker), bonded, unbonding, unlockAt, minimum, frozen }
    },
    minimumOf: (role) =>
      client.read({ ...staking, functionName: 'minimumOf', args: [numberOf(role)] }),
    stake: async (role, value, agentId = 0n) => {
      if (role === 'PROVIDER') {
        const args = [agentId] as const
        return (await client.write({ ...staking, functionName: 'stakeAsProvider', args, value }))
          .hash
      }
      const functionName = role === 'USER' ? 'stakeAsUser' : 'stakeAsGuardian'
      return (await client.write({ ...staking, functionName, args: [], value })).hash
    },
    requestUnstake: async (bondId, amount) => {
      const args = [bondId, amount] as const
      return (await client.write({ ...staking, functionName: 'requestUnstake', args })).hash
    },
    cancelUnstake: async (bondId) =>
      (await client.write({ ...staking, functionName: 'cancelUnstake', args: [bondId] })).hash,
    completeUnstake: async (bondId, to = client.account) => {
      const args = [bondId, to] as const
      return (await client.write({ ...staking, functionName: 'completeUnstake', args })).hash
    },
  }
}
