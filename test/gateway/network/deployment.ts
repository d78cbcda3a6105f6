import type { Deployment } from '@jeju/contracts'
import { offChainDeployment } from '../../off-chain-deployment.ts'

export { registryDomain, servingDomain } from '../../off-chain-deployment.ts'

export const deployment: Deployment = offChainDeployment(100)
