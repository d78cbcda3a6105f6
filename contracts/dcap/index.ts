/** Collateral and evidence of TDX machines on their way to the chain (contracts/README.md, "TDX on chain"). */
export type {
  CollateralOffer,
  CollateralRequest,
  OfferedCollateral,
  OfferedNumbers,
} from './collateral.ts'
export type { Cost } from './cost.ts'
export { DCAP_ERROR_CODES, DcapError, type DcapErrorCode } from './dcap-error.ts'
export { WORKLOAD_PINS, type WorkloadPin } from './evidence.ts'
export { explainRefusal, type ContractRefusal } from './explain.ts'
export {
  createOnchainDcap,
  type Batch,
  type Brought,
  type OnchainDcap,
  type OnchainDcapOptions,
  type Send,
  type Transaction,
} from './onchain-dcap.ts'
export { STEP_NAMES, type CollateralStep, type StepName } from './plan.ts'
export { readQuote, type ChainQuote, type QuoteMeasurements } from './quote.ts'
export { explainFailure } from './viem-dcap.ts'
