/** What pays for requests out of channels, for programs that send them by a way of their own (`@jeju/sdk/payment`). */
export { accountOf } from '../chain/viem-account.ts'
export { SdkError } from '../errors/sdk-error.ts'
export { parsePromptRequest, type PromptRequest } from '../fetch/prompt-request.ts'
export { authorise, maxFeeOf, type RequestBounds } from './authorise.ts'
export { openChannelBook, type ChannelBookOptions } from './open-channel-book.ts'
export type { ChannelBook, ChannelBudget, PaidService, Reservation } from './channel-book.ts'
