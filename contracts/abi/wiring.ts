import { DeploymentError, requireCanonicalRegistries, type Deployment } from './deployment.ts'
import type { Hex } from '@jeju/verifier/protocol'

/** How contracts name their peers. */
export const peersAbi = [
  {
    type: 'function',
    name: 'getIdentityRegistry',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'identityRegistry',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'reputationRegistry',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'computeStaking',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'computeRegistry',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'ledgerManager',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'inferenceServing',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
] as const

/** A function of {@link peersAbi}. */
export type PeerGetter = (typeof peersAbi)[number]['name']

type Contract = Exclude<keyof Deployment, 'chainId' | 'deployedAtBlock'>

const PEERS: readonly (readonly [contract: Contract, getter: PeerGetter, peer: Contract])[] = [
  ['reputationRegistry', 'getIdentityRegistry', 'identityRegistry'],
  ['computeRegistry', 'identityRegistry', 'identityRegistry'],
  ['computeRegistry', 'computeStaking', 'computeStaking'],
  ['computeStaking', 'computeRegistry', 'computeRegistry'],
  ['computeStaking', 'inferenceServing', 'inferenceServing'],
  ['ledgerManager', 'computeRegistry', 'computeRegistry'],
  ['ledgerManager', 'identityRegistry', 'identityRegistry'],
  ['ledgerManager', 'inferenceServing', 'inferenceServing'],
  ['inferenceServing', 'computeRegistry', 'computeRegistry'],
  ['inferenceServing', 'ledgerManager', 'ledgerManager'],
  ['inferenceServing', 'reputationRegistry', 'reputationRegistry'],
]

/**
 * Asks every contract of a deployment for its peers: a registry of somebody else, or one that reads a look-alike of
 * ERC-8004, is noticed before anything is believed of it (attack R16).
 *
 * @param read calls `getter` of {@link peersAbi} at `contract`; what it throws goes through
 * @throws {DeploymentError}
 */
export async function requireWiring(
  deployment: Deployment,
  read: (contract: Hex, getter: PeerGetter) => Promise<Hex>,
): Promise<void> {
  requireCanonicalRegistries(deployment)
  const problems = await Promise.all(
    PEERS.map(async ([contract, name, peer]) => {
      const actual = (await read(deployment[contract], name)).toLowerCase()
      if (actual === deployment[peer].toLowerCase()) return []
      return [`${contract}.${name}(): expected ${deployment[peer]}, got ${actual}`]
    }),
  )
  const [first] = problems.flat()
  if (first !== undefined) throw new DeploymentError(`deployment: ${first}`)
}
