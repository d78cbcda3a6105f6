import type { Preferences } from '@jeju/verifier/routing'
import type { IncomingHttpHeaders } from 'node:http'
import { AUTHORIZATION_HEADER, type Hex, type PromptPath } from '@jeju/verifier/protocol'
import { GatewayError } from '../http/gateway-error.ts'
import type { Candidate } from '../routing/candidate.ts'
import type { Offer } from './offers.ts'

/** Money that was set aside for one authorisation. Neither call: it may have been charged, and stays set aside. */
export interface Reserved {
  /** The node signed for this fee, wei. */
  charged(fee: bigint): void
  /** The node was not reached, or refused by TLS that ends in it. */
  released(): void
}

/** A node that may answer this request, with the authorisation that pays it. */
export interface Attempt extends Candidate {
  readonly offer: Offer
  /** The wallet whose channel pays. */
  readonly wallet: Hex
  /** Where this gateway pays. */
  readonly reserved?: Reserved
  /** What the node is sent, where that is not what came. */
  readonly body?: Buffer
}

/** A node that may answer this request, before anything is signed for it. */
export interface Proposal extends Candidate {
  /**
   * Signs, right before the node is asked.
   * @throws GatewayError where it cannot be paid
   */
  authorise(): Promise<Attempt>
}

/** What one answer costs its caller. */
export interface Dues {
  /**
   * Takes it, when the answer is verified: before any byte of a whole one leaves, and before the end of a stream does.
   * Taken once, however often it is called. Returns headers, or trailers, for the answer.
   * @throws GatewayError where nothing could be taken
   */
  collect(): Promise<Readonly<Record<string, string>>>
  /** Names of what it returns. */
  readonly headers: readonly string[]
  /** Milliseconds until it has to be taken of a stream that is not at its end: later nothing could be. */
  msLeft(): number
}

/** How one request is paid. */
export interface Plan {
  /** Who is held to limits: a wallet, or an account. */
  readonly payer: string
  /**
   * Uses up what may be used once, when the payer is within its limits and before a node is asked.
   * @throws GatewayError where it was used before
   */
  readonly admit?: () => Promise<void>
  /** In the order in which they are tried. */
  readonly proposals: readonly Proposal[]
  /** What the caller owes for an answer, where it pays for single ones. */
  readonly dues?: Dues
  /** The caller left early: takes what is owed all the same, where a node may have been paid. */
  readonly abandon?: () => Promise<void>
}

/** A way of paying that a request has chosen. */
export interface Funding {
  /** @throws GatewayError */
  plan(body: Buffer, preferences: Preferences): Promise<Plan>
}

/**
 * One way of paying, asked before a body is read; undefined where the headers do not speak of it.
 * @throws GatewayError where they do, and wrongly
 */
export type FundingSource = (
  headers: IncomingHttpHeaders,
  path: PromptPath,
) => Promise<Funding | undefined>

/**
 * The first way of paying that the headers speak of.
 * @throws GatewayError `authorization_missing`
 */
export async function fundingOf(
  sources: readonly FundingSource[],
  headers: IncomingHttpHeaders,
  path: PromptPath,
): Promise<Funding> {
  for (const source of sources) {
    const funding = await source(headers, path)
    if (funding !== undefined) return funding
  }
  throw new GatewayError('authorization_missing', `${AUTHORIZATION_HEADER} header is required`)
}
