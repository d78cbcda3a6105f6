import type { Hex } from '../../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson, type JsonValue } from '../canonical-json.ts'
import { ProtocolError } from '../protocol-error.ts'
import { asArray, asDecimal, asHex, asInteger, asString, exactObject } from '../shape.ts'
import {
  MAX_COUNT,
  placeMembers,
  readPlace,
  type EpochPlace,
  type InclusionProof,
} from './inclusion-proof.ts'
import { inclusionPath, merkleRoot } from './merkle-tree.ts'
import { receiptCommitment } from './receipt-commitment.ts'

/** Content in an archive. */
export interface ArchivedContent {
  /** SHA-256 of the content. */
  readonly digest: Hex
  /** Undefined where it is nowhere but with the node. */
  readonly locator: string | undefined
}

/** An evidence bundle, and the hash that the registry has of it. */
export interface ArchivedEvidence extends ArchivedContent {
  readonly named: Hex
}

/**
 * Everything of one epoch that is archived: the commitments to its receipts, and where what proved their signer is kept.
 * Who has the digest from the chain needs the node for nothing.
 */
export interface EpochDocument extends EpochPlace {
  readonly agentId: bigint
  readonly signer: Hex
  /** Root of the epoch before; zero for the first. */
  readonly previous: Hex
  /** Unix seconds. */
  readonly openedAt: number
  readonly closedAt: number
  readonly commitments: readonly Hex[]
  /** Of every grant of the binding since the epoch before, and of the one in force. */
  readonly evidence: readonly ArchivedEvidence[]
  /** The ERC-8004 file that the agent's URI leads to; undefined where that holds none. */
  readonly registration: ArchivedContent | undefined
}

/** Receipts of one epoch. */
export const MAX_EPOCH_RECEIPTS = 4096

/** Largest document as a text. */
export const MAX_EPOCH_DOCUMENT_BYTES: number = 1024 * 1024

const MAX_EVIDENCE = 256
const MAX_LOCATOR_CHARACTERS = 128

/** JCS text of a document. */
export function encodeEpochDocument(document: EpochDocument): string {
  const { registration } = document
  return canonicalJson({
    ...placeMembers(document),
    agent_id: document.agentId.toString(),
    closed_at: document.closedAt,
    commitments: [...document.commitments],
    evidence: document.evidence.map(({ named, ...content }) => ({
      ...contentMembers(content),
      named,
    })),
    opened_at: document.openedAt,
    previous: document.previous,
    registration: registration === undefined ? null : contentMembers(registration),
    signer: document.signer,
    v: 1,
  })
}

/** Reads JCS text; that its digest and root are those on chain is for the caller to compare. Throws a ProtocolError. */
export function parseEpochDocument(text: string): EpochDocument {
  const place = 'epoch'
  const document = exactObject(parseCanonicalJson(text, place), place, [
    'agent_id',
    'binding_id',
    'chain_id',
    'closed_at',
    'commitments',
    'contract',
    'epoch',
    'evidence',
    'opened_at',
    'previous',
    'registration',
    'signer',
    'v',
  ])
  asInteger(document['v'], `${place}.v`, { min: 1, max: 1 })
  const time = { min: 0, max: MAX_COUNT }
  const commitments = asArray(document['commitments'], `${place}.commitments`, MAX_EPOCH_RECEIPTS)
  if (commitments.length === 0) {
    throw new ProtocolError('INPUT_FIELD', `${place}.commitments: expected at least one`)
  }
  const { registration } = document
  return {
    ...readPlace(document, place),
    agentId: asDecimal(document['agent_id'], `${place}.agent_id`, 256),
    signer: asHex(document['signer'], `${place}.signer`, 20),
    previous: asHex(document['previous'], `${place}.previous`, 32),
    openedAt: asInteger(document['opened_at'], `${place}.opened_at`, time),
    closedAt: asInteger(document['closed_at'], `${place}.closed_at`, time),
    commitments: commitments.map((each) => asHex(each, `${place}.commitments`, 32)),
    evidence: asArray(document['evidence'], `${place}.evidence`, MAX_EVIDENCE).map(readEvidence),
    registration:
      registration === null
        ? undefined
        : readContent(
            exactObject(registration, `${place}.registration`, ['digest', 'locator']),
            `${place}.registration`,
          ),
  }
}

/** Root of a document's tree. */
export function epochRoot({ commitments }: Pick<EpochDocument, 'commitments'>): Hex {
  return merkleRoot(commitments)
}

/** The proof that a node would give, out of the archived document; undefined where the receipt is not in it. */
export function proveInclusion(
  document: EpochDocument,
  salt: Hex,
  receipt: string,
): InclusionProof | undefined {
  const { roots, bindingId, epoch, commitments } = document
  const index = commitments.indexOf(receiptCommitment(salt, receipt))
  if (index < 0) return undefined
  const path = inclusionPath(commitments, index)
  return { roots, bindingId, epoch, salt, index, size: commitments.length, path }
}

function contentMembers({ digest, locator }: ArchivedContent): {
  readonly [name: string]: JsonValue
} {
  return { digest, locator: locator ?? null }
}

function readEvidence(value: unknown): ArchivedEvidence {
  const place = 'epoch.evidence'
  const evidence = exactObject(value, place, ['digest', 'locator', 'named'])
  return { ...readContent(evidence, place), named: asHex(evidence['named'], `${place}.named`, 32) }
}

function readContent(content: Readonly<Record<string, unknown>>, place: string): ArchivedContent {
  const { locator } = content
  return {
    digest: asHex(content['digest'], `${place}.digest`, 32),
    locator:
      locator === null ? undefined : asString(locator, `${place}.locator`, MAX_LOCATOR_CHARACTERS),
  }
}
