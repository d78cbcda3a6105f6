import { utf8 } from '../bytes/bytes.ts'
import { toBareHex, type Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalDocument, type JsonValue } from './canonical-json.ts'
import type { ContractDomain } from './eip712.ts'
import { MAX_FINISH_CODE, receiptDigest, type Receipt } from './receipt.ts'
import { asBareHex, asDecimal, asHex, asInteger, asString, exactObject } from './shape.ts'
import { signDigest, signEd25519 } from './signatures.ts'

/** Response header that carries the base64url of a compute receipt. */
export const RECEIPT_HEADER = 'compute-receipt'

/** What a receipt says beside the settled counts; covered by the Ed25519 signature. */
export interface ComputeReceiptContent {
  readonly bindingId: Hex
  readonly keysetDigest: Hex
  /** Name of the model, and its id on chain. */
  readonly model: string
  readonly modelId: Hex
  readonly priceVersion: number
  readonly receipt: Receipt
}

/** The signed document of docs/protocol.md §6. */
export interface ComputeReceipt extends ComputeReceiptContent {
  /** EIP-712 signature of `receipt` by the attested signer, 65 bytes. */
  readonly receiptSignature: Hex
  readonly keyId: string
  /** Ed25519 over the document without this member, bare hex, 64 bytes. */
  readonly signature: string
}

/** The keys of one binding that sign receipts. */
export interface ReceiptKeys {
  readonly serving: ContractDomain
  readonly signerKey: Uint8Array
  readonly keyId: string
  /** Ed25519 seed. */
  readonly receiptKey: Uint8Array
}

const UINT32_MAX = 2 ** 32 - 1

type UnsignedReceipt = Omit<ComputeReceipt, 'signature'>

function document(unsigned: UnsignedReceipt): { readonly [member: string]: JsonValue } {
  const { receipt } = unsigned
  return {
    binding_id: unsigned.bindingId,
    key_id: unsigned.keyId,
    keyset_digest: unsigned.keysetDigest,
    model: unsigned.model,
    model_id: unsigned.modelId,
    price_version: unsigned.priceVersion,
    receipt: {
      authHash: receipt.authHash,
      finish: receipt.finish,
      inputTokens: receipt.inputTokens,
      issuedAt: receipt.issuedAt.toString(),
      outputTokens: receipt.outputTokens,
      responseHash: receipt.responseHash,
    },
    receipt_signature: unsigned.receiptSignature,
    v: 1,
  }
}

/** The bytes the Ed25519 signature covers. */
export function signedReceiptBytes(receipt: UnsignedReceipt): Uint8Array<ArrayBuffer> {
  return utf8(canonicalJson(document(receipt)))
}

/**
 * The bytes the Ed25519 signature covers, of a text that {@link parseComputeReceipt} has taken and given this receipt
 * for. Such a text is canonical and has these members and no other, so it ends in the signature's and the version's; the
 * rest is cut from its end, never searched for in what a node wrote.
 */
export function signedPartOf(text: string, receipt: ComputeReceipt): Uint8Array<ArrayBuffer> {
  const end = `,"signature":"${receipt.signature}"${TEXT_END}`
  if (!text.endsWith(end)) return signedReceiptBytes(receipt)
  return utf8(text.slice(0, -end.length) + TEXT_END)
}

/** The last member of the canonical document, signed or not. */
const TEXT_END = ',"v":1}'

/** How a receipt's two signatures are made; by default in JavaScript, which runs everywhere. */
export interface ReceiptSigning {
  /** As `signDigest`. */
  signDigest(digest: Hex, privateKey: Uint8Array): Hex
  /** As `signEd25519`. */
  signEd25519(message: Uint8Array, seed: Uint8Array): Uint8Array<ArrayBuffer>
}

const PORTABLE: ReceiptSigning = { signDigest, signEd25519 }

/** Signs both signatures of a receipt. */
export function signComputeReceipt(
  content: ComputeReceiptContent,
  keys: ReceiptKeys,
  signing: ReceiptSigning = PORTABLE,
): ComputeReceipt {
  const unsigned = {
    ...content,
    keyId: keys.keyId,
    receiptSignature: signing.signDigest(
      receiptDigest(content.receipt, keys.serving),
      keys.signerKey,
    ),
  }
  const signature = toBareHex(signing.signEd25519(signedReceiptBytes(unsigned), keys.receiptKey))
  return { ...unsigned, signature }
}

/** JCS text of a receipt. */
export function encodeComputeReceipt(receipt: ComputeReceipt): string {
  return canonicalJson({ ...document(receipt), signature: receipt.signature })
}

/** Reads JCS text; checks form only, no signature. Throws a ProtocolError. */
export function parseComputeReceipt(text: string): ComputeReceipt {
  return parseCanonicalDocument(text, 'receipt', readComputeReceipt, textOf)
}

/** The canonical text of what was read: hex, decimals and small integers stand as they are. */
function textOf(read: ComputeReceipt): string {
  const { receipt } = read
  return (
    `{"binding_id":"${read.bindingId}","key_id":${canonicalJson(read.keyId)},` +
    `"keyset_digest":"${read.keysetDigest}","model":${canonicalJson(read.model)},` +
    `"model_id":"${read.modelId}","price_version":${read.priceVersion},` +
    `"receipt":{"authHash":"${receipt.authHash}","finish":${receipt.finish},` +
    `"inputTokens":${receipt.inputTokens},"issuedAt":"${receipt.issuedAt}",` +
    `"outputTokens":${receipt.outputTokens},"responseHash":"${receipt.responseHash}"},` +
    `"receipt_signature":"${read.receiptSignature}","signature":"${read.signature}"${TEXT_END}`
  )
}

/** Reads the receipt member of an already parsed canonical document. */
export function readComputeReceipt(value: unknown): ComputeReceipt {
  const place = 'receipt'
  const outer = exactObject(value, place, [
    'binding_id',
    'key_id',
    'keyset_digest',
    'model',
    'model_id',
    'price_version',
    'receipt',
    'receipt_signature',
    'signature',
    'v',
  ])
  asInteger(outer['v'], `${place}.v`, { min: 1, max: 1 })
  return {
    bindingId: asHex(outer['binding_id'], `${place}.binding_id`, 32),
    keyId: asString(outer['key_id'], `${place}.key_id`, 64),
    keysetDigest: asHex(outer['keyset_digest'], `${place}.keyset_digest`, 32),
    model: asString(outer['model'], `${place}.model`, 128),
    modelId: asHex(outer['model_id'], `${place}.model_id`, 32),
    priceVersion: asInteger(outer['price_version'], `${place}.price_version`, {
      min: 0,
      max: UINT32_MAX,
    }),
    receipt: readReceipt(outer['receipt']),
    receiptSignature: asHex(outer['receipt_signature'], `${place}.receipt_signature`, 65),
    signature: asBareHex(outer['signature'], `${place}.signature`, 64),
  }
}

function readReceipt(value: unknown): Receipt {
  const place = 'receipt.receipt'
  const receipt = exactObject(value, place, [
    'authHash',
    'finish',
    'inputTokens',
    'issuedAt',
    'outputTokens',
    'responseHash',
  ])
  const tokens = { min: 0, max: UINT32_MAX }
  return {
    authHash: asHex(receipt['authHash'], `${place}.authHash`, 32),
    responseHash: asHex(receipt['responseHash'], `${place}.responseHash`, 32),
    inputTokens: asInteger(receipt['inputTokens'], `${place}.inputTokens`, tokens),
    outputTokens: asInteger(receipt['outputTokens'], `${place}.outputTokens`, tokens),
    finish: asInteger(receipt['finish'], `${place}.finish`, { min: 0, max: MAX_FINISH_CODE }),
    issuedAt: asDecimal(receipt['issuedAt'], `${place}.issuedAt`, 64),
  }
}
