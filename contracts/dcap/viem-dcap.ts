import {
  BaseError,
  decodeAbiParameters,
  decodeErrorResult,
  encodeAbiParameters,
  encodeFunctionData,
  keccak256,
  sha256,
  type PublicClient,
} from 'viem'
import {
  collateralBatchAbi,
  collateralReaderAbi,
  computeRegistryAbi,
  gpuDevicesAbi,
  lowercase,
  tdxAttestationVerifierAbi,
  tdxVerifierAbi,
  type Hex,
  type TdxDeployment,
} from '../abi/index.ts'
import { toHex } from '@jeju/verifier/protocol'
import { fmspcOf, type Certificate } from './certificate.ts'
import type { ChainState, KnownAuthority, KnownIssue } from './chain-state.ts'
import { DcapError } from './dcap-error.ts'
import { attestationKeyHashOf, keyHashOf, WORKLOAD_PINS, type WorkloadPin } from './evidence.ts'
import { explainRefusal, type ContractRefusal } from './explain.ts'
import type { CollateralStep, PckChain } from './plan.ts'
import type { ChainQuote, QuoteMeasurements } from './quote.ts'

/** `IIntelPki.Authority`. */
const ROOT = 0
const TCB_SIGNING = 3
const CA_ROLES: Readonly<Record<string, number>> = {
  'Intel SGX PCK Platform CA': 1,
  'Intel SGX PCK Processor CA': 2,
}

/** Whether the platform or the processor CA issued a leaf. @throws DcapError `CERTIFICATE_INVALID` */
export function caOf({ leaf }: PckChain): 'platform' | 'processor' {
  return roleOf(leaf.issuer) === 1 ? 'platform' : 'processor'
}

function roleOf(issuer: string): number {
  const role = CA_ROLES[issuer]
  if (role !== undefined) return role
  throw new DcapError('CERTIFICATE_INVALID', `PCK certificate: expected a PCK CA, got ${issuer}`)
}

/** Refuses a chain that ends in another root than the verifier's. @throws DcapError `WRONG_ROOT` */
export function requireRoot({ root }: PckChain, { rootCertificateHash }: TdxDeployment): void {
  const actual = sha256(root.der)
  if (actual === lowercase(rootCertificateHash)) return
  throw new DcapError(
    'WRONG_ROOT',
    `root of the PCK chain: expected SHA-256 ${rootCertificateHash}, got ${actual}`,
  )
}

/**
 * What the chain has for a platform at its newest block.
 * @param number evaluation number of the documents; the standard one when undefined
 * @param caching whether to ask if the attestation key would be remembered better
 */
export async function readChainState(
  reader: PublicClient,
  tdx: TdxDeployment,
  { quote, leaf }: PckChain,
  number?: number,
  caching = false,
): Promise<ChainState> {
  const { number: blockNumber, timestamp: time } = await reader.getBlock()
  const at = { address: tdx.tdxVerifier, abi: tdxVerifierAbi, blockNumber } as const
  const ca = roleOf(leaf.issuer)
  const authority = async (role: number): Promise<KnownAuthority> => {
    const call = { ...at, functionName: 'authorityOf', args: [role] } as const
    const [x, y, serial, notBefore, notAfter, revoked] = await reader.readContract(call)
    return { x, y, serial, notBefore, notAfter, revoked }
  }
  const list = async (role: number): Promise<KnownIssue> => {
    const call = { ...at, functionName: 'revocationListOf', args: [role] } as const
    const [issued, until] = await reader.readContract(call)
    return { issued, until, revoked: false }
  }
  const [standard, until] = await reader.readContract({
    ...at,
    functionName: 'standardEvaluationNumber',
  })
  const evaluation = BigInt(number ?? standard)
  const issue = async (read: Promise<readonly [bigint, bigint, boolean]>): Promise<KnownIssue> => {
    const [issued, end, revoked] = await read
    return { issued, until: end, revoked }
  }
  const keyHash = toHex(keyHashOf(leaf))
  const fmspc: Hex = `0x${fmspcOf(leaf)}`
  const [
    root,
    pckCa,
    tcbSigning,
    rootCrl,
    pckCrl,
    qeIdentity,
    tcbInfo,
    pck,
    serialRevoked,
    cached,
    anew,
  ] = await Promise.all([
    authority(ROOT),
    authority(ca),
    authority(TCB_SIGNING),
    list(ROOT),
    list(ca),
    issue(reader.readContract({ ...at, functionName: 'qeIdentityOf', args: [evaluation] })),
    issue(reader.readContract({ ...at, functionName: 'tcbInfoOf', args: [fmspc, evaluation] })),
    reader.readContract({ ...at, functionName: 'pckOf', args: [keyHash] }),
    reader.readContract({ ...at, functionName: 'isPckRevoked', args: [ca, leaf.serial] }),
    isKeyCached(reader, tdx, quote, leaf, blockNumber),
    caching && isRememberedAnew(reader, tdx, quote, leaf, blockNumber),
  ])
  const [pckNumber, , , , notAfter, revoked] = pck
  return {
    time,
    root,
    pckCa,
    tcbSigning,
    rootCrl,
    pckCrl,
    standard: { number: Number(standard), until },
    qeIdentity,
    tcbInfo,
    pck: { number: pckNumber, notAfter, revoked },
    pckSerialRevoked: serialRevoked,
    attestationKey: cached ? (anew ? 'outdated' : 'cached') : 'unknown',
  }
}

/** Whether the chain takes reports of the quote's attestation key alone: brought with this platform, and by today's QE identity. */
export async function isKeyCached(
  reader: PublicClient,
  { tdxVerifier }: TdxDeployment,
  quote: ChainQuote,
  leaf: Certificate,
  blockNumber?: bigint,
): Promise<boolean> {
  const [, isCurrent] = await reader.readContract({
    address: tdxVerifier,
    abi: tdxVerifierAbi,
    blockNumber,
    functionName: 'attestationKeyOf',
    args: [toHex(attestationKeyHashOf(quote)), toHex(keyHashOf(leaf))],
  })
  return isCurrent
}

/** Whether bringing the attestation key would have more remembered than now; not where the chain refuses the quote. */
async function isRememberedAnew(
  reader: PublicClient,
  { tdxVerifier }: TdxDeployment,
  { trimmed }: ChainQuote,
  { x, y }: Certificate,
  blockNumber: bigint,
): Promise<boolean> {
  try {
    const { result } = await reader.simulateContract({
      address: tdxVerifier,
      abi: tdxVerifierAbi,
      blockNumber,
      functionName: 'cacheAttestationKey',
      args: [toHex(trimmed), toHex(x), toHex(y)],
    })
    return result
  } catch (error) {
    if (revertDataOf(error) === undefined) throw error
    return false
  }
}

function argumentsOf(call: CollateralStep['call']): readonly Uint8Array[] {
  if ('der' in call) return [call.der]
  return 'document' in call ? [call.document, call.signature] : [call.quote, call.x, call.y]
}

/** The transaction of a batch: one step goes to the verifier itself. */
export function batchCall(
  steps: readonly CollateralStep[],
  { tdxVerifier, collateralBatch }: TdxDeployment,
): { readonly to: Hex; readonly data: Hex } {
  const calls = steps.map(({ call }) => {
    const args = argumentsOf(call)
    const abi = tdxVerifierAbi
    return encodeFunctionData({ abi, functionName: call.function, args: args.map(toHex) as never })
  })
  const [only] = calls
  if (only !== undefined && calls.length === 1) return { to: tdxVerifier, data: only }
  const bring = { abi: collateralBatchAbi, functionName: 'bring', args: [calls] } as const
  return { to: collateralBatch, data: encodeFunctionData(bring) }
}

/** The pin under which the allow-list has this measurement; undefined where it has it under none. */
export async function listedPin(
  reader: PublicClient,
  { attestationVerifier }: TdxDeployment,
  { image, composeHash, rtmr3, mrServiceTd }: QuoteMeasurements,
): Promise<WorkloadPin | undefined> {
  const workloads: Readonly<Record<WorkloadPin, Hex | undefined>> = {
    'compose-hash': composeHash && toHex(composeHash),
    rtmr3: keccak256(rtmr3),
    none: NOTHING,
  }
  const pins = ['compose-hash', 'rtmr3', 'none'] as const
  const rules = await Promise.all(
    pins.map(async (pin) => {
      const workload = workloads[pin]
      if (workload === undefined) return undefined
      const parts = [
        keccak256(image),
        WORKLOAD_PINS.indexOf(pin),
        workload,
        mrServiceTd === undefined ? NOTHING : keccak256(mrServiceTd),
      ] as const
      const { index } = await reader.readContract({
        address: attestationVerifier,
        abi: tdxAttestationVerifierAbi,
        functionName: 'ruleOf',
        args: [keccak256(encodeAbiParameters(MEASUREMENT, parts))],
      })
      return index === 0 ? undefined : pin
    }),
  )
  return rules.find((pin) => pin !== undefined)
}

const NOTHING: Hex = `0x${'00'.repeat(32)}`
/** `IMeasurementPolicy.Measurement`. */
const MEASUREMENT = [
  { type: 'bytes32' },
  { type: 'uint8' },
  { type: 'bytes32' },
  { type: 'bytes32' },
] as const

const REFUSALS = [
  ...collateralBatchAbi,
  ...tdxVerifierAbi,
  ...tdxAttestationVerifierAbi,
  ...collateralReaderAbi,
  ...computeRegistryAbi,
  ...gpuDevicesAbi,
].filter(({ type }) => type === 'error')

/**
 * A failed call or estimate as a coded error: a contract's refusal in words, or that nobody answered.
 * @param steps of the batch, so that the refused one is named
 */
export function explainFailure(error: unknown, steps: readonly CollateralStep[] = []): DcapError {
  if (error instanceof DcapError) return error
  const data = revertDataOf(error)
  if (data === undefined) {
    const message = error instanceof BaseError ? error.shortMessage.slice(0, 200) : 'no answer'
    return new DcapError('CHAIN_UNAVAILABLE', message)
  }
  const [first] = steps
  const place = steps.length === 1 && first !== undefined ? `${first.name}: ` : ''
  return new DcapError('REFUSED', place + explainData(data, steps))
}

function explainData(data: Hex, steps: readonly CollateralStep[]): string {
  const refusal = refusalIn(data)
  if (refusal === undefined) return `no reason given (${data.slice(0, 10)})`
  if (refusal.error !== 'CallRefused') return explainRefusal(refusal)
  const [index, reason] = refusal.args
  const name = steps[Number(index)]?.name ?? `call ${String(index)}`
  return `${name}: ${explainData(reason as Hex, [])}`
}

/** The custom error in revert data. */
export function refusalIn(data: Hex): ContractRefusal | undefined {
  if (data.startsWith(ERROR_STRING)) {
    const [message] = decodeAbiParameters([{ type: 'string' }], `0x${data.slice(10)}`)
    return { error: 'Error', args: [message] }
  }
  try {
    const { errorName, args } = decodeErrorResult({ abi: REFUSALS, data })
    return { error: errorName, args: args ?? [] }
  } catch {
    return undefined
  }
}

/** Selector of `Error(string)`. */
const ERROR_STRING = '0x08c379a0'

function revertDataOf(error: unknown): Hex | undefined {
  if (!(error instanceof BaseError)) return undefined
  let found: Hex | undefined
  error.walk((inner) => {
    const { data, raw } = { ...(inner as object) } as { data?: unknown; raw?: unknown }
    for (const part of [raw, data, (data as { data?: unknown } | undefined)?.data]) {
      if (typeof part === 'string' && /^0x[0-9a-f]{8}/i.test(part)) found ??= part as Hex
    }
    return false
  })
  return found
}
