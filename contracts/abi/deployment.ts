import { CANONICAL_ERC8004 } from './erc8004.ts'
import type { Hex } from '@jeju/verifier/protocol'
import { lowercase } from './address.ts'

/** What judges TDX quotes on chain. */
export interface TdxDeployment {
  /** SHA-256 of the root certificate that every quote's chain ends in. */
  readonly rootCertificateHash: Hex
  /** Of {@link TdxDeployment.attestationVerifier} in the registry's list. */
  readonly verifierIndex: number
  /** Holds Intel's collateral and verifies quotes. */
  readonly tdxVerifier: Hex
  /** Brings several pieces of collateral in one transaction. */
  readonly collateralBatch: Hex
  /** Judges a node's evidence for the registry, and lists which measured software counts. */
  readonly attestationVerifier: Hex
}

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
  /** Roots of the logs of receipts. */
  readonly receiptRoots: Hex
  /** Absent where no quote is judged on chain. */
  readonly tdx?: TdxDeployment
}

/** SHA-256 of the DER of the Intel SGX Root CA: the only root whose verdicts are about hardware. */
export const INTEL_ROOT_SHA256: Hex =
  '0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3'

/** The text is not a deployment; the message names the member, what was wanted and what came. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError'
  readonly code = 'CONFIG_DEPLOYMENT'
}

const BASE_CHAIN_ID = 8453
const MAX_VERIFIERS = 32
const NUMBERS = ['chainId', 'deployedAtBlock'] as const
const ADDRESSES = [
  'identityRegistry',
  'reputationRegistry',
  'computeStaking',
  'computeRegistry',
  'ledgerManager',
  'inferenceServing',
  'receiptRoots',
] as const

/**
 * Reads deployment JSON. Every member but `tdx` is required, no other is allowed, addresses are non-zero and
 * distinct, the ERC-8004 registries canonical where there are such, and the root of quotes Intel's on Base: a wrong or
 * doubled address would send money or trust to a contract of somebody else.
 * Addresses come back in lower case.
 *
 * @throws {DeploymentError}
 */
export function parseDeployment(text: string): Deployment {
  const members = membersOf(parseJson(text), 'deployment', [...NUMBERS, ...ADDRESSES, 'tdx'])
  const tdx = members.has('tdx') ? tdxOf(members.get('tdx')) : undefined
  const deployment = {
    chainId: integer(members, 'chainId', 1),
    deployedAtBlock: integer(members, 'deployedAtBlock', 0),
    identityRegistry: address(members, 'identityRegistry'),
    reputationRegistry: address(members, 'reputationRegistry'),
    computeStaking: address(members, 'computeStaking'),
    computeRegistry: address(members, 'computeRegistry'),
    ledgerManager: address(members, 'ledgerManager'),
    inferenceServing: address(members, 'inferenceServing'),
    receiptRoots: address(members, 'receiptRoots'),
  }
  const all = [
    ...ADDRESSES.map((name) => deployment[name]),
    ...(tdx === undefined ? [] : TDX_ADDRESSES.map((name) => tdx[name])),
  ]
  if (new Set(all).size !== all.length) {
    throw new DeploymentError('deployment: the same address stands for two contracts')
  }
  requireCanonicalRegistries(deployment)
  if (tdx === undefined) return deployment
  requireGenuineRoot(deployment.chainId, tdx.rootCertificateHash)
  return { ...deployment, tdx }
}

/**
 * Where money is real, quotes end in Intel's root and in no other (attack R14).
 *
 * @throws {DeploymentError}
 */
export function requireGenuineRoot(chainId: number, rootCertificateHash: Hex): void {
  if (chainId !== BASE_CHAIN_ID || lowercase(rootCertificateHash) === INTEL_ROOT_SHA256) return
  throw new DeploymentError(
    `deployment.tdx.rootCertificateHash: wanted Intel's ${INTEL_ROOT_SHA256} on chain ${chainId}, got ${rootCertificateHash}`,
  )
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

const TDX_ADDRESSES = ['tdxVerifier', 'collateralBatch', 'attestationVerifier'] as const

function tdxOf(value: unknown): TdxDeployment {
  const place = 'tdx'
  const wanted = ['rootCertificateHash', 'verifierIndex', ...TDX_ADDRESSES]
  const members = membersOf(value, `deployment.${place}`, wanted)
  const root = members.get('rootCertificateHash')
  if (typeof root !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(root)) {
    const name = `deployment.${place}.rootCertificateHash`
    throw new DeploymentError(`${name}: wanted 0x and 64 hex characters, got ${show(root)}`)
  }
  const verifierIndex = integer(members, 'verifierIndex', 0, place)
  if (verifierIndex >= MAX_VERIFIERS) {
    throw new DeploymentError(
      `deployment.${place}.verifierIndex: wanted an integer < ${MAX_VERIFIERS}, got ${verifierIndex}`,
    )
  }
  return {
    rootCertificateHash: lowercase(root as Hex),
    verifierIndex,
    tdxVerifier: address(members, 'tdxVerifier', place),
    collateralBatch: address(members, 'collateralBatch', place),
    attestationVerifier: address(members, 'attestationVerifier', place),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DeploymentError('deployment: not JSON', { cause })
  }
}

function membersOf(value: unknown, place: string, wanted: readonly string[]): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DeploymentError(`${place}: wanted an object`)
  }
  const members = new Map<string, unknown>(Object.entries(value))
  for (const name of members.keys()) {
    if (!wanted.includes(name)) throw new DeploymentError(`${place}: unknown member ${name}`)
  }
  return members
}

function integer(members: Map<string, unknown>, name: string, min: number, inside = ''): number {
  const value = members.get(name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    const place = placeOf(name, inside)
    throw new DeploymentError(`${place}: wanted an integer ≥ ${min}, got ${show(value)}`)
  }
  return value
}

function address(members: Map<string, unknown>, name: string, inside = ''): Hex {
  const value = members.get(name)
  if (!isAddress(value) || /^0x0{40}$/.test(value)) {
    const place = placeOf(name, inside)
    throw new DeploymentError(`${place}: wanted a non-zero address, got ${show(value)}`)
  }
  return lowercase(value)
}

function placeOf(name: string, inside: string): string {
  return ['deployment', inside, name].filter((part) => part !== '').join('.')
}

function isAddress(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80)
}
