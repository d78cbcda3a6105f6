import { createPublicKey, verify } from 'node:crypto'
import fc from 'fast-check'
import { hashTypedData, recoverAddress as viemRecover } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import {
  addressOf,
  attestationDigest,
  authDigest,
  bindingIdOf,
  ed25519PublicKey,
  receiptDigest,
  recoverAddress,
  signDigest,
  signEd25519,
  toBareHex,
  toHex,
} from '@jeju/verifier/protocol'
import { auths, bytesOf, domains, hexOf, statements, uint } from './samples.ts'

const word = (name: string, type: string): { name: string; type: string } => ({ name, type })

// viem is an independent implementation of EIP-712; the types are written out again on purpose.
const types = {
  NodeStatement: [
    word('agentId', 'uint256'),
    word('operator', 'address'),
    word('signer', 'address'),
    word('keysetDigest', 'bytes32'),
    word('modelCatalogDigest', 'bytes32'),
    word('postureDigest', 'bytes32'),
    word('gpuDevicesDigest', 'bytes32'),
    word('instanceId', 'bytes32'),
  ],
  Attestation: [
    word('bindingId', 'bytes32'),
    word('evidenceHash', 'bytes32'),
    word('blockNumber', 'uint64'),
    word('validUntil', 'uint64'),
    word('deadline', 'uint256'),
  ],
  RequestAuth: [
    word('channelId', 'bytes32'),
    word('nonce', 'uint256'),
    word('bindingId', 'bytes32'),
    word('requestHash', 'bytes32'),
    word('maxFee', 'uint128'),
    word('validUntil', 'uint64'),
  ],
  Receipt: [
    word('authHash', 'bytes32'),
    word('responseHash', 'bytes32'),
    word('inputTokens', 'uint32'),
    word('outputTokens', 'uint32'),
    word('finish', 'uint8'),
    word('issuedAt', 'uint64'),
  ],
}

function viemDigest(
  domain: { chainId: bigint; verifyingContract: `0x${string}` },
  name: string,
  primaryType: keyof typeof types,
  message: Record<string, unknown>,
): `0x${string}` {
  return hashTypedData({ domain: { name, version: '1', ...domain }, types, primaryType, message })
}

describe('digests equal those of an independent EIP-712 implementation', () => {
  test('node statement', () => {
    fc.assert(
      fc.property(statements, domains, (statement, domain) => {
        expect(bindingIdOf(statement, domain)).toBe(
          viemDigest(domain, 'Jeju Compute Node', 'NodeStatement', { ...statement }),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('attestation', () => {
    const attestations = fc.record({
      bindingId: hexOf(32),
      evidenceHash: hexOf(32),
      blockNumber: uint(64),
      validUntil: uint(64),
      deadline: uint(256),
    })
    fc.assert(
      fc.property(attestations, domains, (attestation, domain) => {
        expect(attestationDigest(attestation, domain)).toBe(
          viemDigest(domain, 'Jeju Compute Node', 'Attestation', { ...attestation }),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('request authorisation', () => {
    fc.assert(
      fc.property(auths, domains, (auth, domain) => {
        expect(authDigest(auth, domain)).toBe(
          viemDigest(domain, 'InferenceServing', 'RequestAuth', { ...auth }),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('receipt', () => {
    const receipts = fc.record({
      authHash: hexOf(32),
      responseHash: hexOf(32),
      inputTokens: fc.nat(),
      outputTokens: fc.nat(),
      finish: fc.nat(4),
      issuedAt: uint(64),
    })
    fc.assert(
      fc.property(receipts, domains, (receipt, domain) => {
        expect(receiptDigest(receipt, domain)).toBe(
          viemDigest(domain, 'InferenceServing', 'Receipt', { ...receipt }),
        )
      }),
      { numRuns: 50 },
    )
  })
})

describe('C16 signatures_verify_elsewhere', () => {
  const key = new Uint8Array(32).fill(3)

  test('secp256k1: viem recovers our signatures and we recover those of viem', async () => {
    const account = privateKeyToAccount(toHex(key))
    expect(addressOf(key)).toBe(account.address.toLowerCase())
    await fc.assert(
      fc.asyncProperty(hexOf(32), async (digest) => {
        const ours = signDigest(digest, key)
        expect(await viemRecover({ hash: digest, signature: ours })).toBe(account.address)
        expect(recoverAddress(digest, await account.sign({ hash: digest }))).toBe(addressOf(key))
      }),
      { numRuns: 20 },
    )
  })

  test('Ed25519: node:crypto verifies our signatures', () => {
    const x = Buffer.from(ed25519PublicKey(key)).toString('base64url')
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    fc.assert(
      fc.property(bytesOf(40), (message) => {
        expect(verify(null, message, publicKey, signEd25519(message, key))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('a signature with high s, another v, or no point is refused', () => {
    const digest = `0x${'11'.repeat(32)}` as const
    const signature = signDigest(digest, key)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const highS = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const flipped = signature.endsWith('1b') ? '1c' : '1b'
    for (const bad of [
      `${signature.slice(0, 66)}${highS}${flipped}`,
      `${signature.slice(0, 130)}00`,
      `0x${'00'.repeat(64)}1b`,
      `0x${'ff'.repeat(64)}1b`,
    ]) {
      expect(() => recoverAddress(digest, bad as `0x${string}`)).toThrow(
        expect.objectContaining({ code: 'INPUT_SIGNATURE' }),
      )
    }
    expect(() => recoverAddress(digest, `0x${toBareHex(key)}`)).toThrow(
      expect.objectContaining({ code: 'INPUT_HEX' }),
    )
  })
})
