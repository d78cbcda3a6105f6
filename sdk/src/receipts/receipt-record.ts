import type { ReceivedAnswer, StatedUsage } from '@jeju/verifier'
import {
  asDecimal,
  asHex,
  asInteger,
  asString,
  canonicalJson,
  encodeAuthorization,
  exactObject,
  feeOf,
  MAX_HEADER_BYTES,
  parseAuthorization,
  parseCanonicalJson,
  parseComputeReceipt,
  parseKeyset,
  ProtocolError,
  type ContractDomain,
  type Hex,
  type JsonObject,
  type Keyset,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { PriceRecord } from '../chain/chain-reader.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { readPrice } from '../payment/channel-records.ts'

/**
 * An answer that verified, with all that is needed to verify it again but its text: neither prompt nor answer is in
 * it, only their salted hashes and lengths.
 */
export interface ReceiptRecord {
  /** When the answer was judged. */
  readonly at: Date
  readonly agentId: bigint
  /** Owner of the agent, as the chain named it. */
  readonly operator: Hex
  readonly serving: ContractDomain
  readonly signed: SignedRequestAuth
  /** Address of the channel's session key. */
  readonly sessionKey: Hex
  readonly requestBytes: number
  /** Text of the signed receipt. */
  readonly receipt: string
  readonly responseHash: Hex
  readonly responseBytes: number
  readonly statedUsage: StatedUsage | undefined
  readonly binding: { readonly bindingId: Hex; readonly signer: Hex; readonly keyset: Keyset }
  readonly model: string
  readonly modelId: Hex
  readonly price: PriceRecord
  /** SHA-256 of the evidence bundle that proved the binding. */
  readonly evidence: Hex
}

const MAX_UINT32 = 2 ** 32 - 1
const MAX_MILLISECONDS = 2 ** 45
const MAX_KEYSET_CHARACTERS = 64 * 1024
const MAX_RECEIPT_CHARACTERS = 16 * 1024

/** JCS text of a record. */
export function encodeReceiptRecord(record: ReceiptRecord): string {
  const { serving, binding, price, statedUsage } = record
  return canonicalJson({
    v: 1,
    at: record.at.getTime(),
    agentId: record.agentId.toString(),
    operator: record.operator,
    serving: { chainId: serving.chainId.toString(), address: serving.verifyingContract },
    authorization: encodeAuthorization(record.signed),
    sessionKey: record.sessionKey,
    requestBytes: record.requestBytes,
    receipt: record.receipt,
    responseHash: record.responseHash,
    responseBytes: record.responseBytes,
    usage: statedUsage === undefined ? null : { ...statedUsage },
    binding: {
      id: binding.bindingId,
      signer: binding.signer,
      keyset: keysetText(binding.keyset),
    },
    model: { name: record.model, id: record.modelId },
    price: {
      version: price.version,
      inPerMTok: price.inPerMTok.toString(),
      outPerMTok: price.outPerMTok.toString(),
      maxOutputTokens: price.maxOutputTokens,
    },
    evidence: record.evidence,
  })
}

/** The document that a keyset was read from: it is canonical, so there is one text. */
export function keysetText(keyset: Keyset): string {
  return canonicalJson({
    ...keyset,
    receipt_signing_keys: keyset.receipt_signing_keys.map((key) => ({ ...key })),
    e2ee_public_keys: keyset.e2ee_public_keys.map((key) => ({ ...key })),
    tls_public_keys: keyset.tls_public_keys.map((key) => ({ ...key })),
  })
}

/** Reads a record; checks form only, no signature. Throws `RECORD_INVALID`. */
export function parseReceiptRecord(text: string, name: string): ReceiptRecord {
  try {
    return readRecord(text, name)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SdkError('RECORD_INVALID', `${name}: ${cause.message}`, { cause })
  }
}

const MEMBERS = [
  'v',
  'at',
  'agentId',
  'operator',
  'serving',
  'authorization',
  'sessionKey',
  'requestBytes',
  'receipt',
  'responseHash',
  'responseBytes',
  'usage',
  'binding',
  'model',
  'price',
  'evidence',
] as const

function readRecord(text: string, name: string): ReceiptRecord {
  const record = exactObject(parseCanonicalJson(text, name), name, MEMBERS)
  asInteger(record['v'], 'v', { min: 1, max: 1 })
  const uint32 = { min: 0, max: MAX_UINT32 }
  const receipt = asString(record['receipt'], 'receipt', MAX_RECEIPT_CHARACTERS)
  parseComputeReceipt(receipt)
  return {
    at: new Date(asInteger(record['at'], 'at', { min: 0, max: MAX_MILLISECONDS })),
    agentId: asDecimal(record['agentId'], 'agentId', 256),
    operator: asHex(record['operator'], 'operator', 20),
    signed: parseAuthorization(
      asString(record['authorization'], 'authorization', MAX_HEADER_BYTES),
    ),
    sessionKey: asHex(record['sessionKey'], 'sessionKey', 20),
    requestBytes: asInteger(record['requestBytes'], 'requestBytes', uint32),
    receipt,
    responseHash: asHex(record['responseHash'], 'responseHash', 32),
    responseBytes: asInteger(record['responseBytes'], 'responseBytes', uint32),
    statedUsage: record['usage'] === null ? undefined : readUsage(record['usage']),
    price: readPrice(record['price'], 'price'),
    evidence: asHex(record['evidence'], 'evidence', 32),
    ...readParties(record),
  }
}

function readParties(
  record: JsonObject,
): Pick<ReceiptRecord, 'serving' | 'binding' | 'model' | 'modelId'> {
  const serving = exactObject(record['serving'], 'serving', ['chainId', 'address'])
  const binding = exactObject(record['binding'], 'binding', ['id', 'signer', 'keyset'])
  const model = exactObject(record['model'], 'model', ['name', 'id'])
  return {
    serving: {
      chainId: asDecimal(serving['chainId'], 'serving.chainId', 64),
      verifyingContract: asHex(serving['address'], 'serving.address', 20),
    },
    binding: {
      bindingId: asHex(binding['id'], 'binding.id', 32),
      signer: asHex(binding['signer'], 'binding.signer', 20),
      keyset: parseKeyset(asString(binding['keyset'], 'binding.keyset', MAX_KEYSET_CHARACTERS)),
    },
    model: asString(model['name'], 'model.name', 128),
    modelId: asHex(model['id'], 'model.id', 32),
  }
}

function readUsage(value: unknown): StatedUsage {
  const usage = exactObject(value, 'usage', ['inputTokens', 'outputTokens'])
  const uint32 = { min: 0, max: MAX_UINT32 }
  return {
    inputTokens: asInteger(usage['inputTokens'], 'usage.inputTokens', uint32),
    outputTokens: asInteger(usage['outputTokens'], 'usage.outputTokens', uint32),
  }
}

/** The answer of a record, as `verifyReceipt` takes it. */
export function answerOf(record: ReceiptRecord): ReceivedAnswer {
  const { receipt, responseHash, responseBytes, statedUsage } = record
  return {
    receipt: { text: receipt },
    responseHash,
    responseBytes,
    ...(statedUsage === undefined ? {} : { statedUsage }),
  }
}

/** What the answer cost, wei. */
export function feeOfRecord({ receipt, price }: ReceiptRecord): bigint {
  const { inputTokens, outputTokens } = parseComputeReceipt(receipt).receipt
  return feeOf(price, inputTokens, outputTokens)
}
