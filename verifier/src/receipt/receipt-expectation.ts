import type { Hex } from '../bytes/hex.ts'
import type { Keyset } from '../protocol/documents.ts'
import type { ContractDomain, Keccak256 } from '../protocol/eip712.ts'
import type { TokenPrice } from '../protocol/fee.ts'
import type { SignedRequestAuth } from '../protocol/request-auth.ts'

/** Token counts as an answer's body states them. */
export interface StatedUsage {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What was received: the receipt (or why there is none) and what was measured over the bytes held. */
export interface ReceivedAnswer {
  /** `text`: JCS receipt document; `absent`: why no receipt could be read. */
  readonly receipt: { readonly text: string } | { readonly absent: string }
  /** Hash over the covered bytes, made by the receiver (`createResponseHasher`). */
  readonly responseHash: Hex
  /** Number of covered bytes. */
  readonly responseBytes: number
  /** Usage stated in the body; a stream without `include_usage` states none. */
  readonly statedUsage?: StatedUsage
}

/** Signature checks of a receipt, for who has faster ones than this package's own; they accept exactly the same. */
export interface ReceiptSignatures {
  /** As `recoverAddress` of `@jeju/verifier/protocol`, and throws as it does. */
  recoverAddress(digest: Hex, signature: Hex): Hex
  /** As `verifyEd25519`. */
  verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** Keccak-256 of what they are made over; portable by default. */
  readonly keccak256?: Keccak256 | undefined
}

/** What the receiver knows from its own verification and its own request. */
export interface ReceiptExpectation {
  readonly signed: SignedRequestAuth
  readonly serving: ContractDomain
  /** The verified binding. */
  readonly binding: {
    readonly bindingId: Hex
    readonly signer: Hex
    readonly keysetDigest: Hex
    readonly keyset: Keyset
  }
  readonly model: string
  readonly modelId: Hex
  /** The channel's price version. */
  readonly price: TokenPrice & { readonly version: number; readonly maxOutputTokens: number }
  /** Length of the request body that was sent. */
  readonly requestBytes: number
  readonly at: Date
  /** Portable ones by default. */
  readonly signatures?: ReceiptSignatures
}
