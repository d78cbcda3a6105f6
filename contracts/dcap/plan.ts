import { toHex } from '@jeju/verifier/protocol'
import { thisUpdateOf, type Certificate } from './certificate.ts'
import type { ChainState, KnownAuthority, KnownIssue } from './chain-state.ts'
import { headOf, listEndOf, type OfferedCollateral, type OfferedNumbers } from './collateral.ts'
import { DcapError } from './dcap-error.ts'
import type { ChainQuote } from './quote.ts'

/** What can be brought, in the order in which it has to come: each rests on what stands before it. */
export const STEP_NAMES = [
  'root certificate',
  'PCK CA certificate',
  'TCB signing certificate',
  'root CRL',
  'PCK CRL',
  'evaluation numbers',
  'QE identity',
  'TCB info',
  'PCK certificate',
  'attestation key',
] as const

/** One of {@link STEP_NAMES}. */
export type StepName = (typeof STEP_NAMES)[number]

/** One call of TdxVerifier. */
export interface CollateralStep {
  readonly name: StepName
  /** Why the chain needs it. */
  readonly why: 'missing' | 'runs out' | 'revoked' | 'replaced'
  readonly call:
    | {
        readonly function: 'setRoot' | 'upsertAuthority' | 'upsertRevocationList' | 'cachePck'
        readonly der: Uint8Array
      }
    | {
        readonly function: 'upsertEvaluationNumbers' | 'upsertQeIdentity' | 'upsertTcbInfo'
        readonly document: Uint8Array
        readonly signature: Uint8Array
      }
    | {
        readonly function: 'cacheAttestationKey'
        readonly quote: Uint8Array
        readonly x: Uint8Array
        readonly y: Uint8Array
      }
}

/** The certificates of a quote, and the quote itself without them. */
export interface PckChain {
  readonly quote: ChainQuote
  readonly leaf: Certificate
  readonly ca: Certificate
  readonly root: Certificate
}

/**
 * What the chain lacks before it can judge a quote until `until`, as far as it can be told without asking anybody.
 * @param until Unix seconds
 * @param caching whether further quotes of this attestation key will come
 * @throws DcapError `PCK_REVOKED`: no collateral mends that
 */
export function lacking(
  chain: PckChain,
  state: ChainState,
  until: bigint,
  caching: boolean,
): ReadonlyMap<StepName, CollateralStep['why']> {
  requireUnrevoked(chain, state)
  const ends = (end: bigint): CollateralStep['why'] | undefined =>
    end < until ? (end === 0n ? 'missing' : 'runs out') : undefined
  const issue = ({ until: end, revoked }: KnownIssue): CollateralStep['why'] | undefined =>
    revoked ? 'revoked' : ends(end)
  const found: Readonly<Record<StepName, CollateralStep['why'] | undefined>> = {
    'root certificate': state.root.serial === 0n ? 'missing' : undefined,
    'PCK CA certificate': authority(state.pckCa, chain.ca, until),
    'TCB signing certificate': authority(state.tcbSigning, undefined, until),
    'root CRL': issue(state.rootCrl),
    'PCK CRL': issue(state.pckCrl),
    'evaluation numbers': ends(state.standard.until),
    'QE identity': issue(state.qeIdentity),
    'TCB info': issue(state.tcbInfo),
    'PCK certificate': state.pck.number === 0n ? 'missing' : ends(state.pck.notAfter),
    'attestation key': caching ? ATTESTATION_KEY[state.attestationKey] : undefined,
  }
  return new Map(
    STEP_NAMES.flatMap((name) => {
      const why = found[name]
      return why === undefined ? [] : [[name, why] as const]
    }),
  )
}

const ATTESTATION_KEY = { unknown: 'missing', cached: undefined, outdated: 'replaced' } as const

/** What can be offered for what is lacking; undefined where nobody was asked. */
export interface Offered {
  readonly collateral: OfferedCollateral | undefined
  readonly numbers: OfferedNumbers | undefined
  /** Of whoever signed what is offered. */
  readonly tcbSigning: Certificate | undefined
}

/**
 * The calls that bring what is lacking, in order. What runs out soon is left out where nothing later is offered.
 * @throws DcapError `COLLATERAL_INVALID`, `CERTIFICATE_INVALID`
 */
export function planSteps(
  chain: PckChain,
  state: ChainState,
  needed: ReadonlyMap<StepName, CollateralStep['why']>,
  offered: Offered,
): readonly CollateralStep[] {
  return STEP_NAMES.flatMap((name) => {
    const call = callOf(name, chain, offered)
    if (call === undefined) return []
    const why = needed.get(name) ?? replacedSigner(name, state, offered)
    if (why === undefined || (why === 'runs out' && !isLater(name, chain, state, offered)))
      return []
    return [{ name, why, call }]
  })
}

/** Documents under another key than the one the chain knows need that key. */
function replacedSigner(
  name: StepName,
  { tcbSigning: known }: ChainState,
  { tcbSigning: ours }: Offered,
): 'replaced' | undefined {
  if (name !== 'TCB signing certificate' || ours === undefined) return undefined
  return !isKey(known, ours) && ours.notBefore > known.notBefore ? 'replaced' : undefined
}

function callOf(
  name: StepName,
  { quote, leaf, ca, root }: PckChain,
  { collateral, numbers, tcbSigning }: Offered,
): CollateralStep['call'] | undefined {
  const document = (
    what: 'upsertEvaluationNumbers' | 'upsertQeIdentity' | 'upsertTcbInfo',
    text: string,
    signature: Uint8Array,
  ): CollateralStep['call'] => ({
    function: what,
    document: new TextEncoder().encode(text),
    signature,
  })
  switch (name) {
    case 'root certificate':
      return { function: 'setRoot', der: root.der }
    case 'PCK CA certificate':
      return { function: 'upsertAuthority', der: ca.der }
    case 'PCK certificate':
      return { function: 'cachePck', der: leaf.der }
    case 'TCB signing certificate':
      return tcbSigning && { function: 'upsertAuthority', der: tcbSigning.der }
    case 'evaluation numbers':
      return (
        numbers &&
        document(
          'upsertEvaluationNumbers',
          numbers.evaluationNumbers,
          numbers.evaluationNumbersSignature,
        )
      )
    case 'root CRL':
      return collateral && { function: 'upsertRevocationList', der: collateral.rootCaCrl }
    case 'PCK CRL':
      return collateral && { function: 'upsertRevocationList', der: collateral.pckCrl }
    case 'QE identity':
      return (
        collateral &&
        document('upsertQeIdentity', collateral.qeIdentity, collateral.qeIdentitySignature)
      )
    case 'TCB info':
      return (
        collateral && document('upsertTcbInfo', collateral.tcbInfo, collateral.tcbInfoSignature)
      )
    case 'attestation key':
      return { function: 'cacheAttestationKey', quote: quote.trimmed, x: leaf.x, y: leaf.y }
  }
}

function isLater(
  name: StepName,
  { leaf, ca, root }: PckChain,
  state: ChainState,
  { collateral, numbers, tcbSigning }: Offered,
): boolean {
  switch (name) {
    case 'root certificate':
      return root.notBefore > state.root.notBefore
    case 'PCK CA certificate':
      return ca.notBefore > state.pckCa.notBefore
    case 'TCB signing certificate':
      return tcbSigning !== undefined && tcbSigning.notBefore > state.tcbSigning.notBefore
    case 'PCK certificate': {
      const end = leaf.notAfter < state.pckCa.notAfter ? leaf.notAfter : state.pckCa.notAfter
      return end > state.pck.notAfter
    }
    case 'evaluation numbers':
      return numbers !== undefined && listEndOf(numbers.evaluationNumbers) > state.standard.until
    case 'root CRL':
      return collateral !== undefined && thisUpdateOf(collateral.rootCaCrl) > state.rootCrl.issued
    case 'PCK CRL':
      return collateral !== undefined && thisUpdateOf(collateral.pckCrl) > state.pckCrl.issued
    case 'QE identity':
      return collateral !== undefined && issuedAfter(collateral.qeIdentity, state.qeIdentity)
    case 'TCB info':
      return collateral !== undefined && issuedAfter(collateral.tcbInfo, state.tcbInfo)
    case 'attestation key':
      return false
  }
}

function issuedAfter(document: string, known: KnownIssue): boolean {
  return headOf(document, 'document').issueDate > known.issued
}

/** Another certificate of the same name replaces the known one only where that is no longer good, or has another key. */
function authority(
  known: KnownAuthority,
  ours: Certificate | undefined,
  until: bigint,
): CollateralStep['why'] | undefined {
  if (known.serial === 0n) return 'missing'
  if (known.revoked) return 'revoked'
  if (ours !== undefined && !isKey(known, ours) && ours.notBefore > known.notBefore) {
    return 'replaced'
  }
  return known.notAfter < until ? 'runs out' : undefined
}

function isKey({ x, y }: KnownAuthority, certificate: Certificate): boolean {
  return x === toHex(certificate.x) && y === toHex(certificate.y)
}

function requireUnrevoked({ leaf, ca }: PckChain, state: ChainState): void {
  if (!state.pck.revoked && !state.pckSerialRevoked) return
  const serial = `0x${leaf.serial.toString(16)}`
  throw new DcapError(
    'PCK_REVOKED',
    state.pckSerialRevoked
      ? `PCK certificate: expected one that is not revoked, got serial ${serial}, which the ${ca.subject} has revoked`
      : `PCK certificate: expected a key that is not revoked, got serial ${serial}, whose key or CA is revoked`,
  )
}

/** Gas that no step exceeds, by its kind and size: an upper bound for cutting a batch, not an estimate of the cost. */
export function mostGasOf({ call }: CollateralStep): bigint {
  if ('document' in call) return 300_000n + 120n * BigInt(call.document.length)
  if ('quote' in call) return 300_000n
  // Each new entry of a list takes a slot, and stands in about 35 bytes.
  return call.function === 'upsertRevocationList'
    ? 200_000n + 900n * BigInt(call.der.length)
    : 300_000n
}

/** What one transaction may take (EIP-7825), less some room. */
const MOST_BATCH_GAS = 14_000_000n

/** As few transactions as the limit of gas allows, in order. */
export function batchesOf(
  steps: readonly CollateralStep[],
): readonly (readonly CollateralStep[])[] {
  const batches: CollateralStep[][] = []
  let left = 0n
  for (const step of steps) {
    const gas = mostGasOf(step)
    const last = batches.at(-1)
    if (last === undefined || gas > left) {
      batches.push([step])
      left = MOST_BATCH_GAS - gas
    } else {
      last.push(step)
      left -= gas
    }
  }
  return batches
}
