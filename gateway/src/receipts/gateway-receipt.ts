import { nativeSignatures } from '@jeju/verifier/node'
import {
  canonicalJson,
  ed25519PublicKey,
  receiptDigest,
  sha256,
  toBareHex,
  utf8,
  type ContractDomain,
} from '@jeju/verifier/protocol'
import type { AnswerRecord } from './answer-records.ts'

/** Named in every document, so that a signature holds for nothing else. */
const GATEWAY_RECEIPT_TYPE = 'jeju.gateway_receipt.v1'

/** Signs what a gateway states of an answer. */
export interface ReceiptSigner {
  /** Ed25519, bare hex. */
  readonly publicKey: string
  /** JCS of the receipt of an answer, signature included (docs/protocol.md §8). */
  sign(record: AnswerRecord): string
}

/** A signer with the key of this seed, 32 bytes; `serving` is the domain of the nodes' receipts. */
export function createReceiptSigner(seed: Uint8Array, serving: ContractDomain): ReceiptSigner {
  const key = ed25519PublicKey(seed)
  const publicKey = toBareHex(key)
  const keyId = `gateway-${toBareHex(sha256(key)).slice(0, 16)}`
  return {
    publicKey,
    sign: (record) => {
      const document = { ...documentOf(record, serving), key_id: keyId, public_key: publicKey }
      const signature = nativeSignatures.signEd25519(utf8(canonicalJson(document)), seed)
      return canonicalJson({ ...document, signature: toBareHex(signature) })
    },
  }
}

/** Names and order of events as ACI has them; integers beyond 2^53 are decimal strings. */
function documentOf(record: AnswerRecord, serving: ContractDomain) {
  const { receipt, model, modelId } = record
  return {
    type: GATEWAY_RECEIPT_TYPE,
    receipt_id: record.requestId,
    endpoint: record.path,
    method: 'POST',
    served_at: Math.floor(record.at / 1000),
    event_log: [
      {
        type: 'upstream.verified',
        result: 'verified',
        required: true,
        model_id: model,
        session_id: toBareHex(record.sessionId),
      },
      {
        type: 'jeju.node_receipt',
        chain_id: serving.chainId.toString(),
        verifying_contract: serving.verifyingContract,
        receipt_digest: receiptDigest(receipt, serving),
        auth_hash: receipt.authHash,
        response_hash: receipt.responseHash,
        agent_id: record.agentId.toString(),
        binding_id: record.bindingId,
        evidence_digest: record.evidenceDigest,
        model_id: modelId,
        price_version: record.priceVersion,
        input_tokens: receipt.inputTokens,
        output_tokens: receipt.outputTokens,
        fee_wei: record.fee.toString(),
      },
    ],
  }
}
