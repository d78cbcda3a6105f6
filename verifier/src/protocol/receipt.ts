import type { Hex } from '../bytes/hex.ts'
import { typedDataDigest, type ContractDomain, type Keccak256, type StructType } from './eip712.ts'
import { SERVING_DOMAIN_NAME } from './serving-domain.ts'

/** How an answer ended; the code is what the receipt signs (docs/protocol.md §5). */
export type Finish = 'stop' | 'length' | 'aborted' | 'tool_calls' | 'error'

export const FINISH_CODES: Readonly<Record<Finish, number>> = {
  stop: 0,
  length: 1,
  aborted: 2,
  tool_calls: 3,
  error: 4,
}

/** Largest of {@link FINISH_CODES}. */
export const MAX_FINISH_CODE = 4

/** What the attested signer states of one answer; settled on chain. */
export interface Receipt {
  readonly authHash: Hex
  readonly responseHash: Hex
  readonly inputTokens: number
  readonly outputTokens: number
  readonly finish: number
  /** Unix seconds. */
  readonly issuedAt: bigint
}

const RECEIPT_TYPE: StructType = {
  name: 'Receipt',
  members: [
    ['authHash', 'bytes32'],
    ['responseHash', 'bytes32'],
    ['inputTokens', 'uint32'],
    ['outputTokens', 'uint32'],
    ['finish', 'uint8'],
    ['issuedAt', 'uint64'],
  ],
}

/** EIP-712 digest of a receipt in InferenceServing's domain. */
export function receiptDigest(receipt: Receipt, serving: ContractDomain, hash?: Keccak256): Hex {
  return typedDataDigest(SERVING_DOMAIN_NAME, serving, RECEIPT_TYPE, { ...receipt }, hash)
}
