import type { Deployment } from '@jeju/contracts'
import type { ContractDomain } from '@jeju/verifier/protocol'

/** Contracts that are on no chain; signatures need their addresses only. */
export const deployment: Deployment = {
  chainId: 31337,
  deployedAtBlock: 1,
  identityRegistry: '0x1111111111111111111111111111111111111111',
  reputationRegistry: '0x2222222222222222222222222222222222222222',
  computeStaking: '0x3333333333333333333333333333333333333333',
  computeRegistry: '0x4444444444444444444444444444444444444444',
  ledgerManager: '0x5555555555555555555555555555555555555555',
  inferenceServing: '0x6666666666666666666666666666666666666666',
  receiptRoots: '0x7777777777777777777777777777777777777777',
}

export const registryDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: deployment.computeRegistry,
}

export const servingDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: deployment.inferenceServing,
}
