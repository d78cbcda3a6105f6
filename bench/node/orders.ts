/** Of an answer: a sentence, some lines, or hundreds of tokens. */
export type AnswerLength = 'short' | 'middle' | 'long'

/** What the measuring process asks of the node's process. */
export type Order =
  | { readonly do: 'sign'; readonly length: AnswerLength; readonly count: number }
  | {
      readonly do: 'bare'
      readonly length: AnswerLength
      readonly streams: number
      readonly rounds: number
    }
  | { readonly do: 'wallet'; readonly runs: number }
  /** `tidy` collects garbage first. */
  | { readonly do: 'usage'; readonly tidy: boolean }
  | { readonly do: 'end' }

/** A request that only has to be sent. */
export interface SignedRequest {
  readonly body: string
  readonly authorization: string
}

/** What some answers took. */
export interface StreamFigures {
  readonly tokens: number
  readonly ms: number
  /** Time of all processors together that the node's process took. */
  readonly cpuMs: number
  /** Until the first piece of each, milliseconds. */
  readonly firstPieceMs: readonly number[]
}

/** The median times of a wallet's check, milliseconds. */
export interface WalletFigures {
  /** Header read, digests, signature, channel and nonce asked of a chain in memory, funds reserved. */
  readonly checkAndReserveMs: number
  /** Until the authorisation is on disk as well. */
  readonly untilDurableMs: number
  readonly runs: number
}

/** What the node's process answers. */
export interface Answer {
  readonly port?: number
  readonly requests?: readonly SignedRequest[]
  readonly bare?: StreamFigures
  readonly wallet?: WalletFigures
  readonly rssBytes?: number
  /** Of this process since its start. */
  readonly cpuMs?: number
}
