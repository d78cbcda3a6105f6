import {
  DeploymentError,
  requireCanonicalRegistries,
  requireGenuineRoot,
  type Deployment,
  type TdxDeployment,
} from './deployment.ts'
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
  {
    type: 'function',
    name: 'tdxVerifier',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'rootCertificateHash',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'bytes32' }],
  },
] as const

/** A function of {@link peersAbi}. */
export type PeerGetter = (typeof peersAbi)[number]['name']

type Contract = Exclude<keyof Deployment, 'chainId' | 'deployedAtBlock' | 'tdx'>
type TdxContract = Exclude<keyof TdxDeployment, 'verifierIndex'>

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
  ['receiptRoots', 'computeRegistry', 'computeRegistry'],
]

const TDX_PEERS: readonly (readonly [
  contract: TdxContract,
  getter: PeerGetter,
  peer: TdxContract,
])[] = [
  ['tdxVerifier', 'rootCertificateHash', 'rootCertificateHash'],
  ['collateralBatch', 'tdxVerifier', 'tdxVerifier'],
  ['attestationVerifier', 'tdxVerifier', 'tdxVerifier'],
]

interface Expected {
  readonly name: string
  readonly contract: Hex
  readonly getter: PeerGetter
  readonly peer: Hex
}

function expectedOf(deployment: Deployment): readonly Expected[] {
  const { tdx } = deployment
  const peers = PEERS.map(([contract, getter, peer]) => ({
    name: contract,
    contract: deployment[contract],
    getter,
    peer: deployment[peer],
  }))
  if (tdx === undefined) return peers
  const judges = TDX_PEERS.map(([contract, getter, peer]) => ({
    name: `tdx.${contract}`,
    contract: tdx[contract],
    getter,
    peer: tdx[peer],
  }))
  return [...peers, ...judges]
}

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
  const { chainId, tdx } = deployment
  if (tdx !== undefined) requireGenuineRoot(chainId, tdx.rootCertificateHash)
  const problems = await Promise.all(
    expectedOf(deployment).map(async ({ name, contract, getter, peer }) => {
      const actual = (await read(contract, getter)).toLowerCase()
      if (actual === peer.toLowerCase()) return []
      return [`${name}.${getter}(): expected ${peer}, got ${actual}`]
    }),
  )
  const [first] = problems.flat()
  if (first !== undefined) throw new DeploymentError(`deployment: ${first}`)
}
