import type { Deployment } from '@jeju/contracts'
import {
  ACCOUNT_HEADER,
  encodeAccountRequest,
  fromHex,
  MAX_AUTH_LIFE_S,
  randomBytes32,
  requestHash,
  toHex,
  type Hex,
  type PromptPath,
} from '@jeju/verifier/protocol'
import type { Wallet } from '../chain/viem-client.ts'

/** What {@link accountHeader} signs. */
export interface AccountHeaderOptions {
  /** Of the account's wallet; one in a browser is asked to sign. */
  readonly wallet: Wallet
  /** Address of the gateway's paying wallet: no other gateway can use the header. */
  readonly gateway: Hex
  readonly deployment: Pick<Deployment, 'chainId' | 'inferenceServing'>
  readonly path: PromptPath
  /** The very bytes of the request's body. */
  readonly body: Uint8Array
  /** Wei that the request may cost of the account's budget. */
  readonly maxFee: bigint
  /** Used once at this gateway; random when absent. */
  readonly nonce?: bigint
  /** Unix seconds, at most an hour ahead; ten minutes when absent. */
  readonly validUntil?: bigint
  /** The clock; the platform's when absent. */
  readonly now?: () => Date
}

const LIFE_S = MAX_AUTH_LIFE_S / 6n

const types = {
  AccountRequest: [
    { name: 'gateway', type: 'address' },
    { name: 'requestHash', type: 'bytes32' },
    { name: 'maxFee', type: 'uint128' },
    { name: 'nonce', type: 'uint256' },
    { name: 'validUntil', type: 'uint64' },
  ],
} as const

/**
 * Signs one request to a gateway that pays for the wallet's account (docs/protocol.md §8, Accounts). Returns the
 * header, for exactly these bytes: `{ 'compute-account': '…' }`. Rejects as the wallet does where it does not sign.
 */
export async function accountHeader(
  options: AccountHeaderOptions,
): Promise<Readonly<Record<typeof ACCOUNT_HEADER, string>>> {
  const { wallet, deployment, path, body, maxFee, now = () => new Date() } = options
  const salt = toHex(randomBytes32())
  const request = {
    gateway: toHex(fromHex(options.gateway, 20, 'gateway')),
    requestHash: requestHash(salt, 'POST', path, body),
    maxFee,
    nonce: options.nonce ?? BigInt(toHex(randomBytes32())),
    validUntil: options.validUntil ?? BigInt(Math.floor(now().getTime() / 1000)) + LIFE_S,
  }
  const signature = await wallet.signTypedData({
    account: wallet.account,
    domain: {
      name: 'Jeju Compute Gateway',
      version: '1',
      chainId: deployment.chainId,
      verifyingContract: deployment.inferenceServing,
    },
    types,
    primaryType: 'AccountRequest',
    message: request,
  })
  return { [ACCOUNT_HEADER]: encodeAccountRequest({ request, salt, signature }) }
}
