import type { Deployment } from '@jeju/contracts'
import {
  decodeUtf8,
  MAX_RELEASE_LIFE_S,
  parseRelease,
  ProtocolError,
  recoverAddress,
  releaseDigest,
  type Hex,
  type SignedRelease,
} from '@jeju/verifier/protocol'
import { ledgerOf } from '../chain/ledger.ts'
import { createChainClient, type ChainClient, type Wallet } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { BodyTooLarge, readBody } from '../gateway/read-body.ts'

/** Codes a desk answers with (docs/errors.md). */
export const RELEASE_ERROR_CODES = [
  'release_invalid', // no release that can be read
  'release_unauthorized', // not by the session key of a live channel of this wallet, or out of date
  'release_not_settled', // receipts of the channel are not settled yet; Retry-After says when to ask again
  'release_failed', // the chain could not be asked, or refused
] as const

/** One of {@link RELEASE_ERROR_CODES}. */
export type ReleaseErrorCode = (typeof RELEASE_ERROR_CODES)[number]

const STATUS: Readonly<Record<ReleaseErrorCode, number>> = {
  release_invalid: 400,
  release_unauthorized: 403,
  release_not_settled: 409,
  release_failed: 502,
}

const MAX_BYTES = 4096
const RETRY_AFTER_S = 10

/** What a desk works with. */
export interface ReleaseDeskOptions {
  /** Of the payee: the agent's wallet. */
  readonly wallet: Wallet
  readonly deployment: Deployment
  /**
   * Wei that the channel still owes the provider's own nodes, which take nothing more of it from then on: see
   * {@link owedByNodes}. What the user has paid is his word: without the nodes' own count a channel could be released
   * before they are paid. Called for releases only that their user signed. What it throws releases nothing.
   */
  readonly owed: (release: SignedRelease) => Promise<bigint>
  /** The clock; the platform's when absent. */
  readonly now?: () => Date
}

/** Why a release is not made. */
class NotReleased extends Error {
  readonly code: ReleaseErrorCode

  constructor(code: ReleaseErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * A provider's answer to users who are done with a channel (docs/protocol.md §5.1): takes `POST` of a signed release,
 * and closes the channel in the user's favour once everything owed of it is settled. Serve it anywhere, and name the
 * place `release` among the services of the registration file. Throws `CONFIG_CHAIN` when the wallet is on another chain
 * than the deployment.
 */
export function createReleaseDesk(
  options: ReleaseDeskOptions,
): (request: Request) => Promise<Response> {
  // One for all requests: releases that come together are sent one after another.
  const client = createChainClient(options.wallet, options.deployment)
  return async (request) => {
    try {
      const release = await readRelease(request)
      const transaction = await releaseBy(options, client, release)
      return Response.json({ channelId: release.channelId, transaction })
    } catch (error) {
      const { code, message } = notReleased(error)
      const type = STATUS[code] < 500 ? 'invalid_request_error' : 'server_error'
      const headers = code === 'release_not_settled' ? { 'retry-after': `${RETRY_AFTER_S}` } : {}
      const body = { error: { message, type, code, param: null } }
      return Response.json(body, { status: STATUS[code], headers })
    }
  }
}

async function readRelease(request: Request): Promise<SignedRelease> {
  if (request.method !== 'POST') throw new NotReleased('release_invalid', 'expected POST')
  return parseRelease(decodeUtf8(await readBody(request.body, MAX_BYTES), 'release'))
}

async function releaseBy(
  { deployment, owed, now = () => new Date() }: ReleaseDeskOptions,
  client: ChainClient,
  release: SignedRelease,
): Promise<Hex> {
  const ledger = ledgerOf(client, deployment)
  const { channelId, paid, deadline, signature } = release
  const nowS = BigInt(Math.floor(now().getTime() / 1000))
  const channel = await ledger.channelOf(channelId)
  const domain = {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.ledgerManager,
  }
  const holds =
    (channel.state === 'OPEN' || channel.state === 'CLOSING') &&
    channel.payee === client.account &&
    deadline >= nowS &&
    deadline <= nowS + MAX_RELEASE_LIFE_S &&
    recoverAddress(releaseDigest(release, domain), signature) === channel.sessionKey
  if (!holds) {
    throw new NotReleased(
      'release_unauthorized',
      'expected a release in date, by the session key of a live channel of this payee',
    )
  }
  // The nodes first: they settle what they are owed for it, and keep the last voucher, from when they hear of the release.
  const due = await owed(release)
  if (due !== 0n) {
    throw new NotReleased('release_not_settled', `channel: expected nothing owed, got ${due} wei`)
  }
  // Read after that: they may have been paid meanwhile.
  const { spent } = await ledger.channelOf(channelId)
  if (spent < paid) {
    const message = `channel: expected ${paid} wei settled, got ${spent}`
    throw new NotReleased('release_not_settled', message)
  }
  return ledger.releaseChannel(channelId)
}

/** Texts of foreign errors stay inside. */
function notReleased(error: unknown): NotReleased {
  if (error instanceof NotReleased) return error
  if (error instanceof ProtocolError || error instanceof BodyTooLarge) {
    return new NotReleased('release_invalid', error.message)
  }
  const message = error instanceof SdkError ? error.message : 'the release failed'
  return new NotReleased('release_failed', message)
}
