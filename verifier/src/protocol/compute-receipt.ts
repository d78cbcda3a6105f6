import { utf8 } from '../bytes/bytes.ts'
import { toBareHex, type Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalDocument, type JsonValue } from './canonical-json.ts'
import type { ContractDomain, Keccak256 } from './eip712.ts'
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
const UINT64_MAX = 2n ** 64n - 1n

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
  readonly keccak256?: Keccak256
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
      receiptDigest(content.receipt, keys.serving, signing.keccak256),
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
export function parseComputeReceipt(text: string, place = 'receipt'): ComputeReceipt {
  return parseCanonicalDocument(text, place, readComputeReceipt, quickReceipt)
}

/** The canonical text of receipts whose names are of plain letters, but that integers may be too large. */
const RECEIPT_FORM =
  /^\{"binding_id":"(0x[0-9a-f]{64})","key_id":"([ !#-[\]-~]{0,64})","keyset_digest":"(0x[0-9a-f]{64})","model":"([ !#-[\]-~]{0,128})","model_id":"(0x[0-9a-f]{64})","price_version":(0|[1-9][0-9]{0,9}),"receipt":\{"authHash":"(0x[0-9a-f]{64})","finish":([0-4]),"inputTokens":(0|[1-9][0-9]{0,9}),"issuedAt":"(0|[1-9][0-9]{0,19})","outputTokens":(0|[1-9][0-9]{0,9}),"responseHash":"(0x[0-9a-f]{64})"\},"receipt_signature":"(0x[0-9a-f]{130})","signature":"([0-9a-f]{128})","v":1\}$/

/** The receipt of a text in that form; undefined of any other text, which may be one all the same. */
export function quickReceipt(text: string): ComputeReceipt | undefined {
  const found = RECEIPT_FORM.exec(text)
  if (found === null) return undefined
  const [, bindingId, keyId, keysetDigest, model, modelId, priceVersion, ...rest] = found
  const [authHash, finish, input, issuedAt, output, responseHash, receiptSignature, signature] =
    rest
  const read = {
    bindingId: bindingId as Hex,
    keyId: keyId ?? '',
    keysetDigest: keysetDigest as Hex,
    model: model ?? '',
    modelId: modelId as Hex,
    priceVersion: Number(priceVersion),
    receipt: {
      authHash: authHash as Hex,
      responseHash: responseHash as Hex,
      inputTokens: Number(input),
      outputTokens: Number(output),
      finish: Number(finish),
      issuedAt: BigInt(issuedAt ?? ''),
    },
    receiptSignature: receiptSignature as Hex,
    signature: signature ?? '',
  }
  const { inputTokens, outputTokens, issuedAt: at } = read.receipt
  const isInRange = Math.max(read.priceVersion, inputTokens, outputTokens) <= UINT32_MAX
  return isInRange && at <= UINT64_MAX ? read : undefined
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
