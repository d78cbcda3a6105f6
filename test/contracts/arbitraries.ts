import {
  toHex,
  type Attestation,
  type Hex,
  type NodeStatement,
  type Receipt,
  type RequestAuth,
} from '@jeju/verifier/protocol'
import fc from 'fast-check'

/** Whole numbers that fit this many bits. */
const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
/** So many bytes, as hex. */
const bytes = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => toHex(value))
export const uint32: fc.Arbitrary<number> = fc.nat({ max: 0xffffffff })

export const statements: fc.Arbitrary<NodeStatement> = fc.record({
  agentId: uint(256),
  operator: bytes(20),
  signer: bytes(20),
  keysetDigest: bytes(32),
  modelCatalogDigest: bytes(32),
  postureDigest: bytes(32),
  gpuDevicesDigest: bytes(32),
  instanceId: bytes(32),
})

export const auths: fc.Arbitrary<RequestAuth> = fc.record({
  channelId: bytes(32),
  nonce: uint(256),
  bindingId: bytes(32),
  requestHash: bytes(32),
  maxFee: uint(128),
  validUntil: uint(64),
})

export const receipts: fc.Arbitrary<Receipt> = fc.record({
  authHash: bytes(32),
  responseHash: bytes(32),
  inputTokens: uint32,
  outputTokens: uint32,
  finish: fc.nat({ max: 255 }),
  issuedAt: uint(64),
})

/** Wei per million tokens: small ones are where rounding shows. */
export const prices: fc.Arbitrary<bigint> = fc.oneof(uint(24), uint(64), uint(128))

export const attestations: fc.Arbitrary<Attestation> = fc.record({
  bindingId: bytes(32),
  evidenceHash: bytes(32),
  blockNumber: uint(64),
  validUntil: uint(64),
  deadline: uint(256),
})

export const vouchers = fc.record({ channelId: bytes(32), cumulative: uint(128) })
