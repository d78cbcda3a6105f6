import { randomBytes } from 'node:crypto'
import { toHex, type Account, type Hex } from 'viem'

/** What a server asks for (x402 v2), as far as a payer needs it. */
interface Required {
  readonly resource: object
  readonly accepts: readonly {
    readonly network: string
    readonly amount: string
    readonly asset: Hex
    readonly payTo: Hex
    readonly maxTimeoutSeconds: number
    readonly extra: { readonly name: string; readonly version: string }
  }[]
}

/** The value of `PAYMENT-SIGNATURE` for what a `PAYMENT-REQUIRED` header asks for, signed by the payer's account. */
export async function payX402(
  account: Account,
  required: string,
  changes: { readonly value?: bigint; readonly lifeS?: number; readonly to?: Hex } = {},
): Promise<string> {
  const { resource, accepts } = JSON.parse(Buffer.from(required, 'base64').toString()) as Required
  const [accepted] = accepts
  if (accepted === undefined || account.signTypedData === undefined)
    throw new Error('no way to pay')
  const nowS = BigInt(Math.floor(Date.now() / 1000))
  const authorization = {
    from: account.address,
    to: changes.to ?? accepted.payTo,
    value: changes.value ?? BigInt(accepted.amount),
    validAfter: 0n,
    validBefore: nowS + BigInt(changes.lifeS ?? accepted.maxTimeoutSeconds),
    nonce: toHex(randomBytes(32)),
  }
  const signature = await account.signTypedData({
    domain: {
      name: accepted.extra.name,
      version: accepted.extra.version,
      chainId: Number(accepted.network.replace('eip155:', '')),
      verifyingContract: accepted.asset,
    },
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  })
  const written = Object.fromEntries(
    Object.entries(authorization).map(([name, value]) => [name, String(value)]),
  )
  const amount = authorization.value.toString()
  const payload = { signature, authorization: written }
  const payment = {
    x402Version: 2,
    resource,
    accepted: { ...accepted, scheme: 'exact', amount },
    payload,
  }
  return Buffer.from(JSON.stringify(payment)).toString('base64')
}
