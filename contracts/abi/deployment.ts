import { CANONICAL_ERC8004 } from './erc8004.ts'
import type { Hex } from '@jeju/verifier/protocol'
import { lowercase } from './address.ts'

/** Where one set of contracts lives: what the deploy script writes and every process is given. */
export interface Deployment {
  readonly chainId: number
  /** First block that can hold an event of these contracts. */
  readonly deployedAtBlock: number
  readonly identityRegistry: Hex
  readonly reputationRegistry: Hex
  readonly computeStaking: Hex
  readonly computeRegistry: Hex
  readonly ledgerManager: Hex
  readonly inferenceServing: Hex
}

/** The text is not a deployment; the message names the member, what was wanted and what came. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError'
  readonly code = 'CONFIG_DEPLOYMENT'
}

const NUMBERS = ['chainId', 'deployedAtBlock'] as const
const ADDRESSES = [
  'identityRegistry',
  'reputationRegistry',
  'computeStaking',
  'computeRegistry',
  'ledgerManager',
  'inferenceServing',
] as const

/**
 * Reads deployment JSON. Every member is required, no other is allowed, addresses are non-zero and
 * distinct, and the ERC-8004 registries canonical where there are such: a wrong or doubled address would send money or
 * trust to a contract of somebody else.
 * Addresses come back in lower case.
 *
 * @throws {DeploymentError}
 */
export function parseDeployment(text: string): Deployment {
  const members = parseMembers(text)
  const wanted: readonly string[] = [...NUMBERS, ...ADDRESSES]
  for (const name of members.keys()) {
    if (!wanted.includes(name)) throw new DeploymentError(`deployment: unknown member ${name}`)
  }
  const deployment = {
    chainId: integer(members, 'chainId', 1),
    deployedAtBlock: integer(members, 'deployedAtBlock', 0),
    identityRegistry: address(members, 'identityRegistry'),
    reputationRegistry: address(members, 'reputationRegistry'),
    computeStaking: address(members, 'computeStaking'),
    computeRegistry: address(members, 'computeRegistry'),
    ledgerManager: address(members, 'ledgerManager'),
    inferenceServing: address(members, 'inferenceServing'),
  }
  const distinct = new Set(ADDRESSES.map((name) => deployment[name]))
  if (distinct.size !== ADDRESSES.length) {
    throw new DeploymentError('deployment: the same address stands for two contracts')
  }
  requireCanonicalRegistries(deployment)
  return deployment
}

/**
 * Where ERC-8004 has canonical registries, a deployment on others is a look-alike (attack R16).
 *
 * @throws {DeploymentError}
 */
export function requireCanonicalRegistries(deployment: Deployment): void {
  const canonical = CANONICAL_ERC8004.get(deployment.chainId)
  if (canonical === undefined) return
  for (const name of ['identityRegistry', 'reputationRegistry'] as const) {
    const actual = lowercase(deployment[name])
    if (actual === canonical[name]) continue
    throw new DeploymentError(
      `deployment.${name}: wanted the canonical ${canonical[name]} on chain ${deployment.chainId}, got ${actual}`,
    )
  }
}

function parseMembers(text: string): Map<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new DeploymentError('deployment: not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DeploymentError('deployment: wanted an object')
  }
  return new Map(Object.entries(value))
}

function integer(members: Map<string, unknown>, name: string, min: number): number {
  const value = members.get(name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw new DeploymentError(`deployment.${name}: wanted an integer ≥ ${min}, got ${show(value)}`)
  }
  return value
}

function address(members: Map<string, unknown>, name: string): Hex {
  const value = members.get(name)
  if (!isAddress(value) || /^0x0{40}$/.test(value)) {
    throw new DeploymentError(`deployment.${name}: wanted a non-zero address, got ${show(value)}`)
  }
  return lowercase(value)
}

function isAddress(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80)
}
