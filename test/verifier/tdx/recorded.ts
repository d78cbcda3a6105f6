import { intelTrustAnchor, simulatedTrustAnchor, type TrustAnchor } from '@jeju/verifier'
import { vectorBytes, vectorJson, vectorText } from '../vectors.ts'

/** Recorded quotes and collateral with Intel's verdicts: how a row becomes the arguments of a verification. */

/** What a verification must give; times in ISO 8601. */
export interface Expectation {
  readonly verdict: 'accept' | 'reject' | 'any'
  readonly status?: string
  readonly advisoryIDs?: readonly string[]
  readonly tcbDate?: string
  readonly tcbEvaluationDataNumber?: number
  readonly current?: {
    readonly status: string
    readonly advisoryIDs: readonly string[]
    readonly tcbDate: string
  }
  readonly stage?: string
}

export interface RecordedQuote {
  readonly id: string
  readonly file: string
  readonly root: string
  readonly parsed: {
    readonly version: number
    readonly body: Readonly<Record<string, string | readonly string[]>>
    readonly qeReport: { readonly mrSigner: string; readonly isvSvn: number }
    readonly qeAuth: string
  }
  /** Null where the quote carries no real PCK certificate. */
  readonly pck: { readonly notBefore: string } | null
}

export interface MatrixRow {
  readonly id: string
  readonly quote: string
  /** Unix seconds. */
  readonly now: number
  readonly tcbInfo: string
  readonly qeIdentity: string
  readonly pckCrl: string
  readonly rootCrl: string
  readonly expect: Expectation
}

export interface ForgedCase {
  readonly id: string
  readonly quote: string
  readonly collateral: string
  readonly now: number | 'NaN'
  readonly trustAnchor: string
  readonly expect: Expectation
}

interface Signed {
  readonly raw: string
  readonly signature: string
  readonly signer: string
}

interface Archive {
  readonly root: string
  readonly ca: Readonly<Record<string, string>>
  readonly signers: Readonly<Record<string, string>>
  readonly tcbInfo: Readonly<Record<string, Signed>>
  readonly qeIdentity: Readonly<Record<string, Signed>>
  readonly crl: Readonly<Record<string, { readonly hex: string; readonly issuer: string }>>
}

/** Recorded quotes. */
export function recordedQuotes(): readonly RecordedQuote[] {
  return vectorJson('tdx', 'quotes.json') as readonly RecordedQuote[]
}

/** Quote × collateral rows with the verdict of Intel's library. */
export function matrixRows(): readonly MatrixRow[] {
  return vectorJson('tdx', 'matrix.json') as readonly MatrixRow[]
}

/** Negative and edge cases. */
export function forgedCases(): readonly ForgedCase[] {
  return vectorJson('tdx', 'forged', 'cases.json') as readonly ForgedCase[]
}

/** Bundles of matrix rows, out of the archive. */
export function bundleOf(row: MatrixRow): Readonly<Record<string, string>> {
  const archive = vectorJson('tdx', 'collateral', 'archive.json') as Archive
  const tcbInfo = present(archive.tcbInfo[row.tcbInfo])
  const qeIdentity = present(archive.qeIdentity[row.qeIdentity])
  const pckCrl = present(archive.crl[row.pckCrl])
  const chain = (certificate: string | undefined): string => present(certificate) + archive.root
  return {
    pck_crl_issuer_chain: chain(archive.ca[pckCrl.issuer]),
    root_ca_crl: present(archive.crl[row.rootCrl]).hex,
    pck_crl: pckCrl.hex,
    tcb_info_issuer_chain: chain(archive.signers[tcbInfo.signer]),
    tcb_info: tcbInfo.raw,
    tcb_info_signature: tcbInfo.signature,
    qe_identity_issuer_chain: chain(archive.signers[qeIdentity.signer]),
    qe_identity: qeIdentity.raw,
    qe_identity_signature: qeIdentity.signature,
  }
}

/** A forged case's quote, bundle text, anchor and time. */
export function inputsOf(forged: ForgedCase): {
  readonly quote: Uint8Array
  readonly bundle: string
  readonly trustAnchor: TrustAnchor
  readonly at: Date
} {
  const { trustAnchor, now } = forged
  return {
    quote: vectorBytes('tdx', 'forged', forged.quote),
    bundle: vectorText('tdx', 'forged', forged.collateral),
    trustAnchor:
      trustAnchor === 'intel'
        ? intelTrustAnchor()
        : simulatedTrustAnchor('forged', vectorBytes('tdx', 'forged', trustAnchor)),
    at: new Date(now === 'NaN' ? Number.NaN : now * 1000),
  }
}

/** An expectation with its advisories as a sorted set, and without what only explains it. */
export function comparable(expected: Expectation): Partial<Expectation> {
  const { verdict, status, tcbDate, tcbEvaluationDataNumber, current } = expected
  if (verdict !== 'accept') return { verdict }
  const sorted = (ids: readonly string[]): string[] => [...new Set(ids)].toSorted()
  return {
    verdict,
    ...(status !== undefined && { status }),
    ...(expected.advisoryIDs && { advisoryIDs: sorted(expected.advisoryIDs) }),
    ...(tcbDate !== undefined && { tcbDate }),
    ...(tcbEvaluationDataNumber !== undefined && { tcbEvaluationDataNumber }),
    ...(current && {
      current: {
        status: current.status,
        advisoryIDs: sorted(current.advisoryIDs),
        tcbDate: current.tcbDate,
      },
    }),
  }
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the archive lacks what a row names')
  return value
}
