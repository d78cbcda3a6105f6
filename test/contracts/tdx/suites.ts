import { intelTrustAnchor, simulatedTrustAnchor } from '@jeju/verifier'
import { bytesToHex } from 'viem'
import { storedCases } from '../../verifier/forge/stored-vectors.ts'
import {
  bundleOf,
  forgedCases,
  inputsOf,
  matrixRows,
  recordedQuotes,
} from '../../verifier/tdx/recorded.ts'
import { vectorBytes, vectorJson, vectorText } from '../../verifier/vectors.ts'
import { onchainCaseOf, REFUSED, type Inputs, type OnchainCase } from './onchain-case.ts'

/** Cases in their form on chain, and the ids of those that have none. */
export interface Suite {
  readonly cases: readonly OnchainCase[]
  readonly withoutForm: readonly string[]
}

/** A document of that size costs more than a transaction may. */
const MAX_DOCUMENT_CHARACTERS = 2 * 50_000

/**
 * Refused off chain for what a contract never sees: the PEM text, the lengths around it and what follows, which are cut
 * away before; and which member of a bundle an object came in, since on chain every object speaks for itself.
 */
const NOT_SEEN_ON_CHAIN: readonly RegExp[] = [
  /^A(05-trunc-last-byte|09-trailing-1mib-zero|11-authlen-0|13-|15-|21-innertype|23-innertype)/,
  /^cut-last-byte$/,
  /^length-(auth|outer|inner|behind)-/,
  /^inner-type-/,
  /^padding-(over-64-kib|1-mib)$/,
  /^chain-(two-nuls|64-nuls|nul-first|spaces)$/,
  /^tcb-info-chain-over-16-kib$/,
  /^crls-swapped$/,
  /^pck-crl-chain-(signer|ca-expired)$/,
]

/**
 * Accepted off chain and refused here: the cursors read the one spelling Intel serves and fail closed on any other, auth
 * data is bounded, and one key at a time signs collateral.
 */
const REFUSED_ON_CHAIN: readonly RegExp[] = [
  /^E(03-pretty-printed-and-signed|54-unknown-member|56-member-proto)$/,
  /^(tcb-info|qe-identity)-text-(pretty-printed-signed|members-reordered-signed|unknown-member|member-proto|member-constructor|depth-16)$/,
  /^qe-auth-65535-bytes$/,
  /^two-signers$/,
]

/** Refused off chain and harmless here: an entry twice revokes what it names once. */
const ACCEPTED_ON_CHAIN: readonly RegExp[] = [/^(root|pck)-crl-entry-twice$/]

/** Every quote of a real machine with all collateral that goes with it. */
export async function recordedSuite(): Promise<Suite> {
  const files = new Map(recordedQuotes().map(({ id, file }) => [id, file]))
  return suiteOf(
    matrixRows().map((row) => ({
      id: row.id,
      quote: vectorBytes('tdx', files.get(row.quote) ?? ''),
      bundle: bundleOf(row),
      trustAnchor: intelTrustAnchor(),
      at: new Date(row.now * 1000),
    })),
  )
}

/** Forged and edge cases recorded beside them. */
export async function recordedForgeries(): Promise<Suite> {
  return suiteOf(
    forgedCases()
      .filter(({ expect }) => expect.verdict !== 'any')
      .map((forged) => ({ id: forged.id, ...inputsOf(forged) })),
  )
}

/** Everything the simulator forges. */
export async function forgedSuite(): Promise<Suite> {
  const cases = storedCases().filter(({ area }) => area !== 'form of the bundle')
  return suiteOf(
    cases.map((stored) => {
      const { rootCertificateDer, ...inputs } = stored.inputs()
      return {
        id: stored.id,
        ...inputs,
        trustAnchor: simulatedTrustAnchor('forged', rootCertificateDer),
      }
    }),
  )
}

interface RecordedCase {
  readonly id: string
  readonly time: number
  readonly quote: string
  readonly pck: string
  readonly root: string
  readonly platformCa: string
  readonly tcbSigning: string
  readonly rootCrl: string
  readonly platformCrl: string
  readonly tcbInfo: string
  readonly qeIdentity: string
  readonly expected: { readonly accept: boolean; readonly tcbStatus?: number }
}

/** What Intel signed for SGX, and what is older than the collateral of the case it is tried in. */
const REFUSED_DOCUMENTS = [
  'wrong-kind/qe-identity-sgx-eval17',
  'wrong-kind/qe-identity-sgx-eval19',
  'wrong-kind/tcb-eval-sgx',
  'wrong-kind/tcbinfo-sgx-v2',
  'wrong-kind/tcbinfo-sgx-v3',
  '2024-05/tcbinfo-tdx-90c06f000000',
  'rollback-2025-02/tcbinfo-tdx-90c06f000000-0',
  'rollback-2025-02/tcbinfo-tdx-90c06f000000-1',
]
const REFUSED_LISTS = ['platform-2024-06-19', 'platform-2024-12-11', 'root-2024-03-20']

/** The vectors whose cost is published, with the list of evaluation numbers where one of the day is recorded. */
export function recordedOnchainCases(): readonly OnchainCase[] {
  const file = vectorJson('onchain', 'cases.json') as { readonly cases: readonly RecordedCase[] }
  const read = (path: string): `0x${string}` => bytesToHex(vectorBytes('onchain', path))
  return file.cases.map((recorded) => {
    const folder = recorded.tcbInfo.slice(0, recorded.tcbInfo.lastIndexOf('/'))
    const hasNumbers = !folder.endsWith('2025-07')
    const number = (path: string): number =>
      Number(/"tcbEvaluationDataNumber":(\d+)/.exec(vectorText('onchain', `${path}.signed`))?.[1])
    const pck = read(recorded.pck)
    // The point follows the end of the key's algorithm.
    const point = pck.indexOf('03420004') + 8
    return {
      id: recorded.id,
      time: BigInt(recorded.time),
      rootHash: '0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3',
      roots: [read(recorded.root)],
      authorities: [read(recorded.platformCa), read(recorded.tcbSigning)],
      pck,
      x: `0x${pck.slice(point, point + 64)}`,
      y: `0x${pck.slice(point + 64, point + 128)}`,
      rootCrl: read(recorded.rootCrl),
      pckCrl: read(recorded.platformCrl),
      tcbInfo: read(`${recorded.tcbInfo}.signed`),
      tcbInfoSignature: read(`${recorded.tcbInfo}.sig`),
      qeIdentity: read(`${recorded.qeIdentity}.signed`),
      qeIdentitySignature: read(`${recorded.qeIdentity}.sig`),
      quote: read(recorded.quote),
      numbers: hasNumbers ? read(`${folder}/tcb-eval-tdx.signed`) : '0x',
      numbersSignature: hasNumbers ? read(`${folder}/tcb-eval-tdx.sig`) : '0x',
      tcbInfoNumber: number(recorded.tcbInfo),
      qeIdentityNumber: number(recorded.qeIdentity),
      expected: recorded.expected.accept ? (recorded.expected.tcbStatus ?? REFUSED) : REFUSED,
      ...(recorded.id === 'v5-uptodate-2025-06' && {
        refusedDocuments: REFUSED_DOCUMENTS.map((name) => ({
          document: read(`collateral/${name}.signed`),
          signature: read(`collateral/${name}.sig`),
        })),
        refusedLists: REFUSED_LISTS.map((name) => read(`crl/${name}.der`)),
      }),
    }
  })
}

async function suiteOf(all: readonly Inputs[]): Promise<Suite> {
  const cases: OnchainCase[] = []
  const withoutForm: string[] = []
  for (const inputs of all) {
    const onchain = await onchainCaseOf(inputs)
    const { id } = inputs
    if (onchain === undefined || !hasForm(onchain) || isOneOf(id, NOT_SEEN_ON_CHAIN)) {
      withoutForm.push(id)
    } else if (isOneOf(id, REFUSED_ON_CHAIN)) {
      cases.push({ ...onchain, expected: REFUSED })
    } else if (isOneOf(id, ACCEPTED_ON_CHAIN)) {
      cases.push({ ...onchain, expected: 0 })
    } else {
      cases.push(onchain)
    }
  }
  return { cases, withoutForm }
}

function hasForm({ time, tcbInfo, qeIdentity }: OnchainCase): boolean {
  return time > 0n && Math.max(tcbInfo.length, qeIdentity.length) < MAX_DOCUMENT_CHARACTERS
}

function isOneOf(id: string, patterns: readonly RegExp[]): boolean {
  return patterns.some((pattern) => pattern.test(id))
}
