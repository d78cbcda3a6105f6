import type { Hex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { MAX_BUDGET } from '../state/shared-state.ts'

/** How a gateway is paid for single requests by x402. */
export interface X402Settings {
  /** Verifies and settles payments; https, or http on loopback. */
  readonly facilitatorUrl: string
  /** Where this gateway is reached, as payments name it. */
  readonly publicUrl: string
  /** Who is paid, lower case. */
  readonly payTo: Hex
  /** EIP-155 id of the asset's chain. */
  readonly chainId: number
  readonly asset: X402Asset
  /** Smallest units of the asset for one ether. */
  readonly unitsPerEther: bigint
  /** Smallest units that one request may cost. */
  readonly maxAmount: bigint
  /** Wei that a day's requests may cost whose payment then fails. */
  readonly unpaidPerDay: bigint
}

/** A token that moves by EIP-3009 authorisations. */
export interface X402Asset {
  /** Lower case. */
  readonly address: Hex
  /** Of its EIP-712 domain. */
  readonly name: string
  readonly version: string
}

/** USDC of Circle on the chains that are known. */
const USDC: Readonly<Record<number, X402Asset>> = {
  8453: { address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', name: 'USD Coin', version: '2' },
  84532: { address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e', name: 'USDC', version: '2' },
}

type Setting<Value> = z.ZodType<Value | undefined>

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''))
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address')
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`)
const units = z
  .string()
  .regex(/^[1-9][0-9]{0,37}$/, 'expected a positive whole number')
  .transform(BigInt)

/** The part of the environment that {@link readX402} reads. */
export const x402Shape: {
  readonly X402_FACILITATOR_URL: Setting<string>
  readonly X402_PUBLIC_URL: Setting<string>
  readonly X402_PAY_TO: Setting<Hex>
  readonly X402_CHAIN_ID: Setting<number>
  readonly X402_ASSET: Setting<Hex>
  readonly X402_ASSET_NAME: Setting<string>
  readonly X402_ASSET_VERSION: Setting<string>
  readonly X402_UNITS_PER_ETHER: Setting<bigint>
  readonly X402_MAX_AMOUNT: Setting<bigint>
  readonly X402_UNPAID_PER_DAY: Setting<bigint>
} = {
  X402_FACILITATOR_URL: url.optional(),
  X402_PUBLIC_URL: url.optional(),
  X402_PAY_TO: address.optional(),
  X402_CHAIN_ID: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/, 'expected a chain id')
    .transform(Number)
    .optional(),
  X402_ASSET: address.optional(),
  X402_ASSET_NAME: z.string().min(1).max(64).optional(),
  X402_ASSET_VERSION: z.string().min(1).max(16).optional(),
  X402_UNITS_PER_ETHER: units.optional(),
  X402_MAX_AMOUNT: units.optional(),
  X402_UNPAID_PER_DAY: units.refine((wei) => wei <= MAX_BUDGET, 'expected below 2^63').optional(),
}

type X402Environment = z.infer<z.ZodObject<typeof x402Shape>>

/**
 * Settings of x402, all or none; what is missing is added to the problems. Chain and asset are the deployment's chain
 * and its USDC unless said otherwise.
 */
export function readX402(
  data: X402Environment,
  deploymentChainId: number,
  hasSponsor: boolean,
  problems: string[],
): X402Settings | undefined {
  const { X402_FACILITATOR_URL, X402_PUBLIC_URL, X402_PAY_TO } = data
  const { X402_UNITS_PER_ETHER, X402_MAX_AMOUNT, X402_UNPAID_PER_DAY } = data
  const needed = {
    X402_FACILITATOR_URL,
    X402_PUBLIC_URL,
    X402_PAY_TO,
    X402_UNITS_PER_ETHER,
    X402_MAX_AMOUNT,
    X402_UNPAID_PER_DAY,
  }
  if (Object.values(needed).every((value) => value === undefined)) return undefined
  for (const [name, value] of Object.entries(needed)) {
    if (value === undefined) problems.push(`${name}: expected with the other X402 settings`)
  }
  if (!hasSponsor)
    problems.push('X402_FACILITATOR_URL: expected with the SPONSOR settings, which pay the nodes')
  const { protocol, hostname } = new URL(X402_FACILITATOR_URL ?? 'https://none.invalid')
  if (protocol === 'http:' && !['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) {
    problems.push('X402_FACILITATOR_URL: expected https, or http on loopback')
  }
  const chainId = data.X402_CHAIN_ID ?? deploymentChainId
  const asset = assetOf(data, chainId)
  if (asset === undefined) {
    problems.push(
      `X402_ASSET: expected with X402_ASSET_NAME and X402_ASSET_VERSION on chain ${chainId}`,
    )
  }
  if (asset === undefined || X402_PAY_TO === undefined) return undefined
  return {
    facilitatorUrl: X402_FACILITATOR_URL ?? '',
    publicUrl: X402_PUBLIC_URL ?? '',
    payTo: X402_PAY_TO,
    chainId,
    asset,
    unitsPerEther: X402_UNITS_PER_ETHER ?? 0n,
    maxAmount: X402_MAX_AMOUNT ?? 0n,
    unpaidPerDay: X402_UNPAID_PER_DAY ?? 0n,
  }
}

function assetOf(data: X402Environment, chainId: number): X402Asset | undefined {
  const { X402_ASSET, X402_ASSET_NAME: name, X402_ASSET_VERSION: version } = data
  if (X402_ASSET === undefined) {
    return name === undefined && version === undefined ? USDC[chainId] : undefined
  }
  return name === undefined || version === undefined
    ? undefined
    : { address: X402_ASSET, name, version }
}
