import type { Hex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { GatewayError } from '../http/gateway-error.ts'
import type { X402Settings } from './x402-settings.ts'

/** Headers of x402, version 2, in lower case. */
const PAYMENT_REQUIRED_HEADER = 'payment-required'
export const PAYMENT_SIGNATURE_HEADER = 'payment-signature'
export const PAYMENT_RESPONSE_HEADER = 'payment-response'

/** Version of the protocol. */
export const X402_VERSION = 2

/** How one request is to be paid (x402 v2, `PaymentRequirements`). */
export interface PaymentRequirements {
  readonly scheme: 'exact'
  /** CAIP-2. */
  readonly network: string
  /** Smallest units of the asset. */
  readonly amount: string
  readonly asset: Hex
  readonly payTo: string
  readonly maxTimeoutSeconds: number
  readonly extra: {
    readonly assetTransferMethod: 'eip3009'
    readonly name: string
    readonly version: string
  }
}

/** What is paid for (x402 v2, `ResourceInfo`). */
export interface PaidResource {
  readonly url: string
  readonly description: string
  readonly mimeType: string
}

/** What is read of a payment; whatever else the caller put there goes nowhere. */
export interface Payment {
  readonly resource: PaidResource
  /** 65 bytes of a key, or what a contract takes. */
  readonly signature: Hex
  readonly amount: bigint
  /** Lower case. */
  readonly from: Hex
  readonly to: Hex
  /** Unix seconds. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: Hex
  readonly accepted: {
    readonly scheme: string
    readonly network: string
    readonly asset: string
    readonly payTo: string
  }
}

/**
 * How long a payment has to hold when it is shown: as long as an answer may take, which is when it is settled. Clocks
 * may differ by the rest.
 */
const MIN_PAYMENT_LIFE_S = 600
const MAX_TIMEOUT_S = 660
/** Clock of a payer that is ahead. Whoever signs for longer wants its nonce to be forgotten first. */
const SKEW_S = 60
const MAX_HEADER_CHARACTERS = 8_192

const addressText = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address')
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`)
const decimal = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, 'expected a decimal string')
  .transform(BigInt)
  .refine((value) => value < 2n ** 256n, 'expected below 2^256')

const shape = z.looseObject({
  x402Version: z.literal(X402_VERSION),
  accepted: z.looseObject({
    scheme: z.string(),
    network: z.string(),
    amount: decimal,
    asset: addressText,
    payTo: addressText,
  }),
  payload: z.looseObject({
    signature: z
      .string()
      .regex(/^0x[0-9a-fA-F]{2,4096}$/, 'expected hex')
      .transform((text): Hex => `0x${text.slice(2)}`),
    authorization: z.looseObject({
      from: addressText,
      to: addressText,
      value: decimal,
      validAfter: decimal,
      validBefore: decimal,
      nonce: z
        .string()
        .regex(/^0x[0-9a-fA-F]{64}$/, 'expected 32 bytes')
        .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`),
    }),
  }),
})

/** What pays for a request of this amount. */
export function requirementsOf(settings: X402Settings, amount: bigint): PaymentRequirements {
  const { chainId, asset, payTo } = settings
  return {
    scheme: 'exact',
    network: `eip155:${chainId}`,
    amount: amount.toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds: MAX_TIMEOUT_S,
    extra: { assetTransferMethod: 'eip3009', name: asset.name, version: asset.version },
  }
}

/** What a path of this gateway is, as payments name it. */
export function resourceOf({ publicUrl }: X402Settings, path: string): PaidResource {
  return {
    url: `${publicUrl}${path}`,
    description: 'One prompt, answered by a verified node',
    mimeType: 'application/json',
  }
}

/** The refusal that says how to pay. */
export function paymentRequired(
  settings: X402Settings,
  path: string,
  amount: bigint,
  error: string,
): GatewayError {
  const document = {
    x402Version: X402_VERSION,
    error,
    resource: resourceOf(settings, path),
    accepts: [requirementsOf(settings, amount)],
  }
  return new GatewayError('payment_required', error, {
    headers: { [PAYMENT_REQUIRED_HEADER]: encodeHeader(document) },
  })
}

/**
 * Reads a payment for a resource; checks form only.
 * @throws GatewayError `payment_invalid`
 */
export function readPayment(header: string, resource: PaidResource): Payment {
  if (header.length > MAX_HEADER_CHARACTERS) throw paymentInvalid('too long')
  let payload: unknown
  try {
    payload = JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch {
    throw paymentInvalid('expected the base64 of a JSON document')
  }
  const parsed = shape.safeParse(payload)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw paymentInvalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not readable'}`)
  }
  const { accepted, payload: signed } = parsed.data
  const { from, to, value, validAfter, validBefore, nonce } = signed.authorization
  if (value !== accepted.amount) throw paymentInvalid('value: not the accepted amount')
  return {
    resource,
    signature: signed.signature,
    amount: value,
    from,
    to,
    validAfter,
    validBefore,
    nonce,
    accepted,
  }
}

/**
 * Whether a payment is one that this gateway has asked for, and will still hold when it is settled.
 * @throws GatewayError `payment_invalid`
 */
export function requireOurs(payment: Payment, settings: X402Settings, nowS: bigint): void {
  const expected = requirementsOf(settings, payment.amount)
  for (const name of ['scheme', 'network', 'asset', 'payTo'] as const) {
    const [wanted, actual] = [expected[name], payment.accepted[name]]
    if (actual !== wanted)
      throw paymentInvalid(`accepted.${name}: expected ${wanted}, got ${actual.slice(0, 80)}`)
  }
  if (payment.to !== settings.payTo)
    throw paymentInvalid(`to: expected ${settings.payTo}, got ${payment.to}`)
  if (payment.validAfter > nowS) throw paymentInvalid('validAfter: is ahead')
  const least = nowS + BigInt(MIN_PAYMENT_LIFE_S)
  const most = nowS + BigInt(MAX_TIMEOUT_S + SKEW_S)
  if (payment.validBefore < least || payment.validBefore > most) {
    throw paymentInvalid(`validBefore: expected ${least} to ${most}, got ${payment.validBefore}`)
  }
}

/** A payment as facilitators take it (x402 v2, `PaymentPayload`), written anew of what was read. */
export function payloadOf(payment: Payment, accepted: PaymentRequirements): object {
  const { resource, signature, from, to, amount, validAfter, validBefore, nonce } = payment
  const authorization = {
    from,
    to,
    value: amount.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
    nonce,
  }
  return { x402Version: X402_VERSION, resource, accepted, payload: { signature, authorization } }
}

/** Base64 of a JSON document, as x402 puts them into headers. */
export function encodeHeader(document: object): string {
  return Buffer.from(JSON.stringify(document)).toString('base64')
}

/** What is wrong with a payment. */
export function paymentInvalid(text: string): GatewayError {
  return new GatewayError('payment_invalid', `${PAYMENT_SIGNATURE_HEADER}: ${text}`)
}
