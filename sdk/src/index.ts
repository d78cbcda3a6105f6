/** The wallet client: verified fetch, ledger and operator calls. Runs in Node and browsers (sdk/README.md). */
export type {
  ChainReader,
  BindingRecord,
  PriceRecord,
  ProviderRecord,
  ServiceRecord,
} from './chain/chain-reader.ts'
export {
  createLedger,
  type ChannelOpening,
  type ChannelMode,
  type ChannelState,
  type Ledger,
  type LedgerChannel,
} from './chain/ledger.ts'
export { connectWallet, type Wallet } from './chain/viem-client.ts'
export { NotVerified, type Refusal } from './errors/not-verified.ts'
export { SDK_ERROR_CODES, SdkError, type SdkErrorCode } from './errors/sdk-error.ts'
export type { OnSdkEvent, SdkEvent } from './events/sdk-event.ts'
export type { ClientOptions, VerificationOptions } from './client/client-options.ts'
export {
  createClient,
  createClientOn,
  type Client,
  type ClientChain,
} from './client/create-client.ts'
export { createFetch, createFetchOn } from './client/create-fetch.ts'
export { accountHeader, type AccountHeaderOptions } from './payment/account-header.ts'
export type { ClosedChannel } from './payment/close-channel.ts'
export { createProvider, type Provider, type ServicePrice } from './provider/create-provider.ts'
export {
  CHANNEL_MODES,
  CHANNEL_STATES,
  parseRegistrationFile,
  registrationFile,
  RegistrationFileError,
  type AgentService,
  type RegistrationContent,
  type RegistrationFile,
  type RegistrationPlace,
} from '@jeju/contracts'
export { readAnchoredEpochs, type AnchoredEpochs } from './chain/receipt-roots.ts'
export { evidenceDigestOf, type EvidenceRecord } from './receipts/evidence-record.ts'
export {
  findInclusion,
  type FoundInclusion,
  type InclusionSources,
} from './receipts/find-inclusion.ts'
export type { InclusionRecord } from './receipts/inclusion-record.ts'
export { ReceiptBook } from './receipts/receipt-book.ts'
export type { ReceiptRecord } from './receipts/receipt-record.ts'
export {
  verifyReceiptRecord,
  type RecordReport,
  type RecordTrust,
} from './receipts/verify-record.ts'
export { owedByNodes } from './release/owed-by-nodes.ts'
export {
  createReleaseDesk,
  RELEASE_ERROR_CODES,
  type ReleaseDeskOptions,
  type ReleaseErrorCode,
} from './release/release-desk.ts'
export {
  createStaking,
  STAKING_ROLES,
  type Bond,
  type Staking,
  type StakingRole,
} from './staking/create-staking.ts'
export { openIndexedDbStore } from './store/indexed-db-store.ts'
export { createMemoryStore } from './store/memory-store.ts'
export type { Store } from './store/store.ts'
export type { VerifiedNode } from './provider/verify-node.ts'
