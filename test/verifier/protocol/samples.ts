import fc from 'fast-check'
import {
  addressOf,
  canonicalJson,
  documentDigest,
  ed25519PublicKey,
  signComputeReceipt,
  toBareHex,
  toHex,
  type ComputeReceipt,
  type ComputeReceiptContent,
  type ContractDomain,
  type EvidenceBundle,
  type Hex,
  type NodeStatement,
  type ReceiptKeys,
  type RequestAuth,
} from '@jeju/verifier/protocol'

/** Arbitraries and fixed samples of our own formats. */

export const bytesOf = (length: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes))
export const hexOf = (length: number): fc.Arbitrary<Hex> => bytesOf(length).map(toHex)
export const uint = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })

export const domains: fc.Arbitrary<ContractDomain> = fc.record({
  chainId: uint(64),
  verifyingContract: hexOf(20),
})

export const statements: fc.Arbitrary<NodeStatement> = fc.record({
  agentId: uint(256),
  operator: hexOf(20),
  signer: hexOf(20),
  keysetDigest: hexOf(32),
  modelCatalogDigest: hexOf(32),
  postureDigest: hexOf(32),
  gpuDevicesDigest: hexOf(32),
  instanceId: hexOf(32),
})

export const auths: fc.Arbitrary<RequestAuth> = fc.record({
  channelId: hexOf(32),
  nonce: uint(256),
  bindingId: hexOf(32),
  requestHash: hexOf(32),
  maxFee: uint(128),
  validUntil: uint(64),
})

const text = fc.string({ maxLength: 40 })

export const bundles: fc.Arbitrary<EvidenceBundle> = fc
  .record(
    {
      statement: statements,
      quote: fc.uint8Array({ maxLength: 400 }),
      eventLog: text,
      appCompose: fc.uint8Array({ maxLength: 100 }),
      vmConfig: text,
      kmsChain: fc.record({
        algorithm: text,
        keyApi: fc.constantFrom('v0' as const, 'v1' as const),
        path: text,
        purpose: text,
        publicKey: bytesOf(33),
        signatures: fc.tuple(bytesOf(65), bytesOf(65)),
      }),
      keyset: text,
      catalog: text,
      posture: text,
      gpuEvidence: fc.uint8Array({ maxLength: 60 }),
      collateral: text,
    },
    {
      requiredKeys: [
        'statement',
        'quote',
        'eventLog',
        'appCompose',
        'vmConfig',
        'kmsChain',
        'keyset',
        'catalog',
        'posture',
      ],
    },
  )
  .map((bundle) => structuredClone(bundle))

export const serving: ContractDomain = {
  chainId: 31337n,
  verifyingContract: `0x${'5e'.repeat(20)}`,
}
export const signerKey = new Uint8Array(32).fill(7)
export const receiptSeed = new Uint8Array(32).fill(9)
export const signer = addressOf(signerKey)

export const keysetText = canonicalJson({
  e2ee_public_keys: [],
  not_after: 1_900_000_000,
  receipt_signing_keys: [
    {
      algo: 'ed25519',
      key_id: 'receipt-1',
      public_key: toBareHex(ed25519PublicKey(receiptSeed)),
    },
  ],
  subject: null,
  tls_public_keys: [],
})

export const receiptKeys: ReceiptKeys = {
  serving,
  signerKey,
  keyId: 'receipt-1',
  receiptKey: receiptSeed,
}

/** A receipt over given hashes, signed by the sample keys. */
export function sampleReceipt(
  authHash: Hex,
  responseHash: Hex,
  changes: Partial<ComputeReceiptContent> & { inputTokens?: number; outputTokens?: number } = {},
): ComputeReceipt {
  const { inputTokens = 12, outputTokens = 20, ...content } = changes
  return signComputeReceipt(
    {
      bindingId: `0x${'b1'.repeat(32)}`,
      keysetDigest: documentDigest(keysetText),
      model: 'enclave-mini',
      modelId: `0x${'3d'.repeat(32)}`,
      priceVersion: 1,
      receipt: {
        authHash,
        responseHash,
        inputTokens,
        outputTokens,
        finish: 0,
        issuedAt: 1_800_000_000n,
      },
      ...content,
    },
    receiptKeys,
  )
}
