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
export {
  createFetch,
  createFetchOn,
  type FetchOptions,
  type VerificationOptions,
} from './fetch/create-fetch.ts'
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
export type { VerifiedNode } from './provider/verify-node.ts'
