import {
  parseCollateral,
  parseQuote,
  QuoteVerifier,
  VerifierError,
  type QuoteCollateral,
  type TcbStatus,
  type TrustAnchor,
} from '@jeju/verifier'
import { bytesToHex, sha256, type Hex } from 'viem'
import { tdFlags } from '../../../verifier/src/tdx/td-flags.ts'
import { parseCertificate } from '../../../verifier/src/x509/certificate.ts'
import { parsePem } from '../../../verifier/src/x509/pem.ts'
import { trimQuote } from './trim-quote.ts'

/** Status codes of the contracts (TcbStatus.sol). */
export const STATUS_CODES: readonly TcbStatus[] = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'ConfigurationNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  // 6 Revoked and 7 unrecognised are no results.
  undefined as never,
  undefined as never,
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
]
/** What stands for a refusal. */
export const REFUSED = 255

/** A verification as the chain sees it: objects brought one by one, then a trimmed quote. */
export interface OnchainCase {
  readonly id: string
  /** Unix seconds. */
  readonly time: bigint
  readonly rootHash: Hex
  /** Every root that a chain ends in, then every CA and signer, each once. */
  readonly roots: readonly Hex[]
  readonly authorities: readonly Hex[]
  readonly pck: Hex
  readonly rootCrl: Hex
  readonly pckCrl: Hex
  readonly tcbInfo: Hex
  readonly tcbInfoSignature: Hex
  readonly qeIdentity: Hex
  readonly qeIdentitySignature: Hex
  readonly quote: Hex
  /** List of evaluation numbers of the day; empty where there is none. */
  readonly numbers: Hex
  readonly numbersSignature: Hex
  readonly x: Hex
  readonly y: Hex
  readonly tcbInfoNumber: number
  readonly qeIdentityNumber: number
  /** Status code, or {@link REFUSED}. */
  readonly expected: number
  /** Genuinely signed, and refused in any place once the case's own collateral is there. */
  readonly refusedDocuments?: readonly { readonly document: Hex; readonly signature: Hex }[]
  readonly refusedLists?: readonly Hex[]
}

/** Arguments of a verification off chain. */
export interface Inputs {
  readonly id: string
  readonly quote: Uint8Array
  readonly bundle: unknown
  readonly trustAnchor: TrustAnchor
  readonly at: Date
}

const MAX_CHAIN = 1 << 20

/**
 * What the verifier of the SDK says, in the terms of the contract: a genuine quote whose TD has no bits of debug,
 * profiling or reserved ones.
 */
export async function expectedOf({ quote, bundle, trustAnchor, at }: Inputs): Promise<number> {
  try {
    const report = await new QuoteVerifier(trustAnchor).verify(quote, parseCollateral(bundle), at)
    if (report.genuine === undefined) return REFUSED
    const flags = tdFlags(parseQuote(quote).body)
    if (flags.some(({ kind }) => kind !== 'other')) return REFUSED
    return STATUS_CODES.indexOf(report.genuine.tcb.status)
  } catch (error) {
    if (error instanceof VerifierError) return REFUSED
    throw error
  }
}

/**
 * The same verification on chain; undefined where it has no form there: what lies in PEM, in lengths that are cut away or
 * in the form of a bundle never reaches a contract.
 */
export async function onchainCaseOf(inputs: Inputs): Promise<OnchainCase | undefined> {
  const expected = await expectedOf(inputs)
  try {
    const { quote, at, trustAnchor } = inputs
    const collateral = parseCollateral(inputs.bundle)
    return {
      id: inputs.id,
      expected,
      time: BigInt(Math.floor(at.getTime() / 1000)),
      rootHash: sha256(trustAnchor.certificate),
      ...chainsOf(pckChainIn(quote), collateral),
      ...documentsOf(collateral),
      quote: bytesToHex(trimQuote(quote)),
      numbers: '0x',
      numbersSignature: '0x',
    }
  } catch {
    return undefined
  }
}

/** The PEM text in a quote, which may be one that no parser reads. */
function pckChainIn(quote: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(quote)
  return text.slice(text.indexOf('-----BEGIN')).replace(/\0+$/, '')
}

function chainsOf(
  pckChain: string,
  collateral: QuoteCollateral,
): Pick<OnchainCase, 'roots' | 'authorities' | 'pck' | 'x' | 'y'> {
  const [leaf, ca, root] = ders(pckChain, 3)
  const pairs = [
    collateral.pckCrlIssuerChain,
    collateral.tcbInfoIssuerChain,
    collateral.qeIdentityIssuerChain,
  ].map((pem) => ders(pem, 2))
  if (leaf === undefined || ca === undefined || root === undefined) throw new Error('no chain')
  const key = bytesToHex(keyOf(leaf))
  return {
    roots: distinct([root, ...pairs.map((pair) => pair[1] as Uint8Array)]),
    authorities: distinct(
      // On chain a later certificate replaces an earlier one, never the reverse.
      [ca, ...pairs.map((pair) => pair[0] as Uint8Array)].toSorted(
        (a, b) => notBeforeOf(a) - notBeforeOf(b),
      ),
    ),
    pck: bytesToHex(leaf),
    x: `0x${key.slice(2, 66)}`,
    y: `0x${key.slice(66)}`,
  }
}

function notBeforeOf(der: Uint8Array): number {
  try {
    return parseCertificate(der).notBefore
  } catch {
    return 0
  }
}

function keyOf(leaf: Uint8Array): Uint8Array {
  try {
    return parseCertificate(leaf).publicKey
  } catch {
    return new Uint8Array(64)
  }
}

function documentsOf(
  collateral: QuoteCollateral,
): Omit<
  OnchainCase,
  | 'id'
  | 'time'
  | 'rootHash'
  | 'roots'
  | 'authorities'
  | 'pck'
  | 'x'
  | 'y'
  | 'quote'
  | 'numbers'
  | 'numbersSignature'
  | 'expected'
> {
  const { tcbInfo, qeIdentity } = collateral
  const text = (document: string): Hex => bytesToHex(new TextEncoder().encode(document))
  return {
    rootCrl: bytesToHex(collateral.rootCaCrl),
    pckCrl: bytesToHex(collateral.pckCrl),
    tcbInfo: text(tcbInfo),
    tcbInfoSignature: bytesToHex(collateral.tcbInfoSignature),
    qeIdentity: text(qeIdentity),
    qeIdentitySignature: bytesToHex(collateral.qeIdentitySignature),
    tcbInfoNumber: numberOf(tcbInfo),
    qeIdentityNumber: numberOf(qeIdentity),
  }
}

function numberOf(document: string): number {
  const [, digits = '0'] = /"tcbEvaluationDataNumber":(\d{1,5})\b/.exec(document) ?? []
  return Number(digits)
}

function ders(pem: string, count: number): readonly Uint8Array[] {
  return parsePem(pem, count, MAX_CHAIN)
}

function distinct(list: readonly Uint8Array[]): readonly Hex[] {
  return [...new Set(list.map((bytes) => bytesToHex(bytes)))]
}
