import { utf8 } from '../../bytes/bytes.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { canonicalJson, type JsonValue } from '../canonical-json.ts'
import type { ReceiptSigning } from '../compute-receipt.ts'
import { signEd25519 } from '../signatures.ts'

/** A JSON object as ACI documents are: parsed, and kept with every member it had. */
export type AciDocument = Readonly<Record<string, JsonValue>>

/** What the signature of an ACI receipt covers: the JCS of the document without `signature` (ACI, receipts). */
export function aciReceiptSigningBytes(document: AciDocument): Uint8Array<ArrayBuffer> {
  const { signature: _, ...signed } = document
  return utf8(canonicalJson(signed))
}

/** The document with its signature by `key_id`, an Ed25519 seed of 32 bytes; `signing` as for `signComputeReceipt`. */
export function signAciReceipt(
  document: AciDocument,
  seed: Uint8Array,
  signing: Pick<ReceiptSigning, 'signEd25519'> = { signEd25519 },
): AciDocument {
  const signature = toBareHex(signing.signEd25519(aciReceiptSigningBytes(document), seed))
  return { ...document, signature }
}
