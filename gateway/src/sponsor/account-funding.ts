import type { ReceiptSignatures } from '@jeju/verifier'
import { nativeSha256 } from '@jeju/verifier/node'
import {
  ACCOUNT_HEADER,
  accountRequestDigest,
  MAX_AUTH_LIFE_S,
  parseAccountRequest,
  ProtocolError,
  requestHash,
  type ContractDomain,
  type SignedAccountRequest,
} from '@jeju/verifier/protocol'
import type { FundingSource, Plan } from '../exchange/funding.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { SharedState } from '../state/shared-state.ts'
import type { Account, Accounts } from './accounts.ts'
import { dailyPurse, reachable } from './purse.ts'
import { readPrompt } from './read-prompt.ts'
import type { Sponsor } from './sponsor.ts'

/** What {@link createAccountFunding} needs. */
export interface AccountFundingParts {
  readonly accounts: Accounts
  readonly sponsor: Sponsor
  readonly shared: Pick<SharedState, 'budgets' | 'once'>
  readonly signatures: ReceiptSignatures
  readonly serving: ContractDomain
  readonly now: () => Date
}

/** A caller who has shown whose budget is meant. */
interface Caller {
  readonly account: Account
  /** What its wallet has signed, where it shows no key. */
  readonly signed?: SignedAccountRequest
}

/** A nonce is remembered beyond the end of its request, in case clocks of replicas differ. */
const NONCE_MARGIN_MS = 10 * 60_000

/** Callers with a budget at this gateway, by API key or by a wallet's signature (docs/protocol.md §8). */
export function createAccountFunding(parts: AccountFundingParts): FundingSource {
  const { sponsor, shared, now } = parts
  return async (headers, path) => {
    const header = headers[ACCOUNT_HEADER]
    const caller =
      typeof header === 'string'
        ? signedBy(header, parts)
        : keyedBy(headers.authorization, parts.accounts)
    if (caller === undefined) return undefined
    const { account, signed } = caller
    return {
      plan: async (body, preferences): Promise<Plan> => {
        const prompt = readPrompt(body, path, headers, preferences)
        if (signed !== undefined) requireBytes(signed, path, body)
        const candidates = await sponsor.candidates(prompt, preferences)
        const { name, budgetPerDay: limit } = account
        const purse = dailyPurse(shared.budgets, { account: `account:${name}`, limit }, now)
        const cap = signed?.request.maxFee ?? sponsor.maxFeePerRequest
        return {
          payer: `account:${name}`,
          ...(signed === undefined ? {} : { admit: () => requireFirst(signed, account, shared) }),
          proposals: sponsor.propose(prompt, candidates, purse, cap),
        }
      },
    }
  }
}

/** `Authorization: Bearer`; what is no key of an account is a mistake, since it can be nothing else. */
function keyedBy(header: string | undefined, accounts: Accounts): Caller | undefined {
  const key = header === undefined ? undefined : /^Bearer +(\S{1,512})$/i.exec(header)?.[1]
  if (key === undefined) return undefined
  const account = accounts.byKey(key)
  if (account === undefined) throw new GatewayError('account_unknown', 'no account has that key')
  return { account }
}

function signedBy(header: string, parts: AccountFundingParts): Caller {
  const { accounts, sponsor, signatures, serving, now } = parts
  const signed = readHeader(header)
  const { gateway, validUntil } = signed.request
  // Signed for another gateway, which may hand it on (attack F14).
  if (gateway !== sponsor.wallet) {
    throw invalid(`gateway: expected ${sponsor.wallet}, got ${gateway}`)
  }
  const nowS = BigInt(Math.floor(now().getTime() / 1000))
  if (validUntil <= nowS || validUntil > nowS + MAX_AUTH_LIFE_S) {
    const text = `validUntil: expected ${nowS} to ${nowS + MAX_AUTH_LIFE_S}, got ${validUntil}`
    throw new GatewayError('authorization_expired', text)
  }
  const account = accounts.byWallet(recover(signed, signatures, serving))
  if (account === undefined) throw new GatewayError('account_unknown', 'no account of that wallet')
  return { account, signed }
}

function readHeader(header: string): SignedAccountRequest {
  try {
    return parseAccountRequest(header)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw invalid(error.message)
  }
}

function recover(
  { request, signature }: SignedAccountRequest,
  signatures: ReceiptSignatures,
  serving: ContractDomain,
): ReturnType<ReceiptSignatures['recoverAddress']> {
  try {
    return signatures.recoverAddress(accountRequestDigest(request, serving), signature)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw invalid(error.message)
  }
}

function requireBytes(
  { request, salt }: SignedAccountRequest,
  path: string,
  body: Uint8Array,
): void {
  const actual = requestHash(salt, 'POST', path, body, nativeSha256())
  if (actual === request.requestHash) return
  const text = `requestHash: expected ${request.requestHash}, got ${actual}`
  throw new GatewayError('request_hash_mismatch', text)
}

/** At whichever replica. */
async function requireFirst(
  { request }: SignedAccountRequest,
  { name }: Account,
  shared: Pick<SharedState, 'once'>,
): Promise<void> {
  const until = Number(request.validUntil) * 1000 + NONCE_MARGIN_MS
  const isFirst = await reachable(shared.once(`account:${name}:${request.nonce}`, until))
  if (!isFirst) throw invalid('nonce: was used')
}

function invalid(text: string): GatewayError {
  return new GatewayError('authorization_invalid', `${ACCOUNT_HEADER}: ${text}`)
}
