import {
  asArray,
  asDecimal,
  asHex,
  asInteger,
  asString,
  canonicalJson,
  exactObject,
  JsonError,
  parseComputeReceipt,
  parseStrictJson,
  ProtocolError,
  type Hex,
  type JsonValue,
  type Receipt,
  type RequestAuth,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** A receipt with the signature of its node's attested signer. */
export interface SignedReceipt {
  readonly receipt: Receipt
  /** 65 bytes. */
  readonly signature: Hex
}

/** A wrong answer as a gateway keeps it (docs/protocol.md §8). Nothing of it is believed. */
export interface Finding {
  /** As the gateway wrote it. */
  readonly at: string
  readonly agentId: bigint
  readonly bindingId: Hex
  readonly auth: RequestAuth
  /** Every receipt that came for this authorisation and can be read. */
  readonly receipts: readonly SignedReceipt[]
  /** Names of the checks that failed. */
  readonly checks: readonly string[]
  /** All of it, JCS. */
  readonly document: string
}

/** A page of a gateway's list. */
export interface FindingsPage {
  readonly findings: readonly Finding[]
  /** Where the next page begins; null at the end. */
  readonly next: string | null
}

const MAX_FINDINGS = 1_000
const MAX_CURSOR = 128
const MAX_DEPTH = 16
const UINT32_MAX = 2 ** 32 - 1

/** Reads the document of `GET /v1/findings`; checks form only, no signature. Throws `GATEWAY_ANSWER`. */
export function parseFindings(text: string): FindingsPage {
  try {
    const value = parseStrictJson(text, { maxDepth: MAX_DEPTH })
    const { findings, next = null } = exactObject(value, 'findings', ['findings'], ['next'])
    return {
      findings: asArray(findings, 'findings', MAX_FINDINGS).map(readFinding),
      next: next === null ? null : asString(next, 'findings.next', MAX_CURSOR),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError || cause instanceof JsonError)) throw cause
    throw new SdkError('GATEWAY_ANSWER', `findings: ${cause.message}`, { cause })
  }
}

function readFinding(value: unknown, index: number): Finding {
  const place = `findings[${index}]`
  const outer = exactObject(value, place, ['at', 'agentId', 'bindingId', 'evidence'])
  const evidence = exactObject(
    outer['evidence'],
    `${place}.evidence`,
    ['auth', 'signature', 'receipt', 'responseHash', 'responseBytes', 'requestBytes', 'checks'],
    ['earlier'],
  )
  // What strict JSON gave is JSON.
  const document = canonicalJson(outer as { readonly [member: string]: JsonValue })
  const checks = asArray(evidence['checks'], `${place}.checks`, 64)
  return {
    document,
    at: asString(outer['at'], `${place}.at`, 64),
    agentId: asDecimal(outer['agentId'], `${place}.agentId`, 256),
    bindingId: asHex(outer['bindingId'], `${place}.bindingId`, 32),
    auth: readAuth(evidence['auth'], `${place}.auth`),
    receipts: [
      ...receiptOf(evidence['receipt'], `${place}.receipt`),
      ...(evidence['earlier'] === undefined
        ? []
        : [readSigned(evidence['earlier'], `${place}.earlier`)]),
    ],
    checks: checks.map((check) => {
      const names = Object.entries(typeof check === 'object' && check !== null ? check : {})
      return asString(names.find(([name]) => name === 'name')?.[1], `${place}.checks`, 64)
    }),
  }
}

function readAuth(value: unknown, place: string): RequestAuth {
  const auth = exactObject(value, place, [
    'channelId',
    'nonce',
    'bindingId',
    'requestHash',
    'maxFee',
    'validUntil',
  ])
  return {
    channelId: asHex(auth['channelId'], `${place}.channelId`, 32),
    nonce: asDecimal(auth['nonce'], `${place}.nonce`, 256),
    bindingId: asHex(auth['bindingId'], `${place}.bindingId`, 32),
    requestHash: asHex(auth['requestHash'], `${place}.requestHash`, 32),
    maxFee: asDecimal(auth['maxFee'], `${place}.maxFee`, 128),
    validUntil: asDecimal(auth['validUntil'], `${place}.validUntil`, 64),
  }
}

/** What the node sent instead of a receipt is no evidence, and no fault of the list either. */
function receiptOf(value: unknown, place: string): readonly SignedReceipt[] {
  const { text } = exactObject(value, place, [], ['text', 'absent'])
  if (typeof text !== 'string') return []
  try {
    const { receipt, receiptSignature } = parseComputeReceipt(text, place)
    return [{ receipt, signature: receiptSignature }]
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}

function readSigned(value: unknown, place: string): SignedReceipt {
  const signed = exactObject(value, place, ['receipt', 'signature'])
  const receipt = exactObject(signed['receipt'], place, [
    'authHash',
    'responseHash',
    'inputTokens',
    'outputTokens',
    'finish',
    'issuedAt',
  ])
  const count = (name: string, max: number): number =>
    asInteger(receipt[name], `${place}.${name}`, { min: 0, max })
  return {
    receipt: {
      authHash: asHex(receipt['authHash'], `${place}.authHash`, 32),
      responseHash: asHex(receipt['responseHash'], `${place}.responseHash`, 32),
      inputTokens: count('inputTokens', UINT32_MAX),
      outputTokens: count('outputTokens', UINT32_MAX),
      finish: count('finish', 255),
      issuedAt: asDecimal(receipt['issuedAt'], `${place}.issuedAt`, 64),
    },
    signature: asHex(signed['signature'], `${place}.signature`, 65),
  }
}
