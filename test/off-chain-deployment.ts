import type { Deployment } from '@jeju/contracts'
import type { ContractDomain } from '@jeju/verifier/protocol'

const computeRegistry = '0x4444444444444444444444444444444444444444'
const inferenceServing = '0x6666666666666666666666666666666666666666'

/** Contracts that are on no chain; statements and signatures need their addresses only. */
export function offChainDeployment(deployedAtBlock: number): Deployment {
  return {
    chainId: 31337,
    deployedAtBlock,
    identityRegistry: '0x1111111111111111111111111111111111111111',
    reputationRegistry: '0x2222222222222222222222222222222222222222',
    computeStaking: '0x3333333333333333333333333333333333333333',
    computeRegistry,
    ledgerManager: '0x5555555555555555555555555555555555555555',
    inferenceServing,
    receiptRoots: '0x7777777777777777777777777777777777777777',
  }
}

export const registryDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: computeRegistry,
}

export const servingDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: inferenceServing,
}
