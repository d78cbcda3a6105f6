import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, fromBareHex, toHex, type KmsChain } from '@jeju/verifier/protocol'
import { SIGNER_PURPOSE, signerPath } from '../../../verifier/src/protocol/signer-path.ts'
import { deriveNodeKeys } from '../../../enclave/src/keys/node-keys.ts'
import { appKeysOf, deriveV0 } from '../../../simulator/src/td/key-derivation.ts'
import {
  checkKeyCustody,
  type KeyCustodyEvidence,
} from '../../../verifier/src/dstack/check-key-custody.ts'
import {
  custody,
  custodyOutcome,
  event,
  evidenceOf,
  policyOf,
  replaced,
  type Custody,
} from './custody-fixture.ts'

/** Order of the secp256k1 group (SEC 2 §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

let setting: Custody

beforeAll(async () => {
  setting = await custody()
})

const outcome = (given: KeyCustodyEvidence, policy = setting.policy): string =>
  custodyOutcome(given, policy)

describe.each(['v0', 'v1'] as const)('surface %s', (keyApi) => {
  test('a key of the trusted KMS passes and says whose it is', () => {
    expect(checkKeyCustody(evidenceOf(setting, keyApi), setting.policy)).toMatchObject({
      status: 'passed',
      evidence: {
        keyApi,
        appId: toHex(setting.td.appId),
        kmsRoot: toHex(setting.platform.kms.rootPublicKey),
        keyProvider: toHex(setting.platform.kms.caPublicKeyInfo),
      },
    })
  })

  test('A13 kms_foreign_root_rejected: keys of a KMS that nobody pinned', () => {
    const keys = appKeysOf(setting.foreign.kms.rootKey, setting.td.appId)
    const given = evidenceOf(setting, keyApi, { keys })
    expect(outcome(given)).toBe(
      `expected KMS root ${toHex(setting.platform.kms.rootPublicKey)}, got ${toHex(setting.foreign.kms.rootPublicKey)}`,
    )
  })

  test('A13 kms_foreign_root_rejected: root of one trusted KMS, CA of another', () => {
    const keys = appKeysOf(setting.foreign.kms.rootKey, setting.td.appId)
    const both = {
      ...setting.policy,
      trustedKms: [...setting.policy.trustedKms, ...policyOf(setting.foreign).trustedKms],
    }
    expect(outcome(evidenceOf(setting, keyApi), both)).toBe('passed')
    expect(outcome(evidenceOf(setting, keyApi, { keys }), both)).toContain('expected KMS root')
  })

  test('A13 a chain issued to another app', () => {
    const keys = appKeysOf(setting.platform.kms.rootKey, new Uint8Array(20).fill(9))
    expect(outcome(evidenceOf(setting, keyApi, { keys }))).toContain('expected KMS root')
    const other = replaced(setting.events, 'app-id', event('app-id', new Uint8Array(20).fill(9)))
    expect(outcome(evidenceOf(setting, keyApi, { platform: other }))).toContain('expected KMS root')
  })

  test('A13 link 1 of the genuine app key under another app key', () => {
    const own = appKeysOf(setting.foreign.kms.rootKey, setting.td.appId)
    const stolen = { ...own, appRootSignature: setting.td.keys.appRootSignature }
    expect(outcome(evidenceOf(setting, keyApi, { keys: stolen }))).toContain('expected KMS root')
  })

  test('high-s and recovery ids beyond 3 are refused in either link', () => {
    const { signatures } = evidenceOf(setting, keyApi).chain
    for (const index of [0, 1] as const) {
      const link = signatures[index]
      const s = BigInt(toHex(link.subarray(32, 64)))
      const high = (ORDER - s).toString(16).padStart(64, '0')
      const [v = 0] = link.subarray(64)
      const flipped = concatBytes(link.subarray(0, 32), fromBareHex(high), Uint8Array.of(v ^ 1))
      const withLink = (changed: Uint8Array): string =>
        outcome(
          evidenceOf(setting, keyApi, {
            chain: {
              signatures: index === 0 ? [changed, signatures[1]] : [signatures[0], changed],
            },
          }),
        )
      expect(withLink(flipped)).toContain('s is high')
      expect(withLink(link.with(64, v + 27))).toContain(`v ${v + 27}`)
      expect(withLink(link.with(64, 4))).toContain('v 4')
      expect(withLink(link.slice(0, 64))).toContain('64 bytes')
      expect(withLink(new Uint8Array(65))).toContain('recovers to no key')
    }
  })

  test('every byte of both links matters', () => {
    const { signatures } = evidenceOf(setting, keyApi).chain
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1),
        fc.nat(64),
        fc.integer({ min: 1, max: 255 }),
        (index, at, mask) => {
          const link = signatures[index === 0 ? 0 : 1]
          const changed = link.with(at, (link[at] ?? 0) ^ mask)
          const pair =
            index === 0 ? ([changed, signatures[1]] as const) : ([signatures[0], changed] as const)
          expect(outcome(evidenceOf(setting, keyApi, { chain: { signatures: pair } }))).not.toBe(
            'passed',
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('C8 copied_chain_without_key_rejected: the chain of another key than the signer', () => {
    const signer = `0x${'11'.repeat(20)}` as const
    expect(outcome(evidenceOf(setting, keyApi, { signer }))).toContain(signer)
    const { publicKey } = deriveV0(setting.td.keys, 'other', SIGNER_PURPOSE, 'secp256k1')
    expect(outcome(evidenceOf(setting, keyApi, { chain: { publicKey } }))).toContain(
      'expected signer',
    )
  })

  test('a public key that is no point of the curve', () => {
    for (const publicKey of [
      new Uint8Array(33),
      new Uint8Array(33).fill(2, 0, 1).fill(0xff, 1),
      new Uint8Array(0),
    ]) {
      expect(outcome(evidenceOf(setting, keyApi, { chain: { publicKey } }))).toContain('no point')
    }
  })

  test.each([
    ['algorithm', { algorithm: 'ed25519' }],
    ['algorithm', { algorithm: 'k256' }],
    ['purpose', { purpose: 'signing' }],
    ['path', { path: 'vms' }],
    ['path', { path: signerPath(new Uint8Array(20).fill(1)) }],
  ])('C6 another %s than that of this replica’s signer', (what, chain) => {
    expect(outcome(evidenceOf(setting, keyApi, { chain }))).toContain(`expected ${what}`)
  })

  test('C18 key_surface_is_pinned: a surface the policy does not list', () => {
    const other = keyApi === 'v0' ? 'v1' : 'v0'
    expect(outcome(evidenceOf(setting, keyApi), { ...setting.policy, keyApis: [other] })).toContain(
      `got ${keyApi}`,
    )
    expect(outcome(evidenceOf(setting, keyApi), { ...setting.policy, keyApis: [] })).toContain(
      'none',
    )
  })

  test('C18 a chain of one surface is not one of the other', () => {
    const other = keyApi === 'v0' ? 'v1' : 'v0'
    const purpose = other === 'v0' ? SIGNER_PURPOSE : ''
    const given = evidenceOf(setting, keyApi, { chain: { keyApi: other, purpose } })
    expect(outcome(given)).toContain('expected KMS root')
  })

  test('A12 without a replayed log nothing is said', () => {
    expect(outcome(evidenceOf(setting, keyApi, { platform: undefined }))).toBe(
      'skipped: the event log was not replayed',
    )
  })

  test('an app or instance that was not measured', () => {
    for (const [name, length] of [
      ['app-id', 19],
      ['instance-id', 0],
    ] as const) {
      const none = replaced(setting.events, name)
      expect(outcome(evidenceOf(setting, keyApi, { platform: none }))).toContain(
        `one ${name} event`,
      )
      const short = replaced(setting.events, name, event(name, new Uint8Array(length)))
      expect(outcome(evidenceOf(setting, keyApi, { platform: short }))).toContain(
        `one ${name} event`,
      )
    }
  })
})

test('C6 replica_keys_differ: the chain of a sibling is not one of this replica', () => {
  const sibling = { ...setting, td: setting.sibling }
  expect(outcome(evidenceOf(sibling, 'v0'))).toContain('expected path')
})

test('the chain that a node puts into its evidence passes', async () => {
  const agent = {
    getKey: async (path: string, purpose: string, algorithm: 'secp256k1' | 'ed25519') =>
      deriveV0(setting.td.keys, path, purpose, algorithm),
    quote: async () => Promise.reject(new Error('not asked')),
    info: async () => Promise.reject(new Error('not asked')),
    tlsKey: async () => Promise.reject(new Error('not asked')),
  }
  const { signer, signerCustody } = await deriveNodeKeys(agent, setting.td.instanceId)
  expect(outcome({ chain: signerCustody, signer, platform: setting.events })).toBe('passed')
})

test('whatever a chain holds, the answer is a check', () => {
  const chains: fc.Arbitrary<KmsChain> = fc.record({
    algorithm: fc.constantFrom('secp256k1', 'ed25519', ''),
    keyApi: fc.constantFrom('v0', 'v1'),
    path: fc.oneof(fc.string(), fc.constant(signerPath(new Uint8Array(20)))),
    purpose: fc.oneof(fc.string({ unit: 'binary' }), fc.constant(SIGNER_PURPOSE)),
    publicKey: fc.uint8Array({ maxLength: 66 }),
    signatures: fc.tuple(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 })),
  })
  fc.assert(
    fc.property(chains, (chain) => {
      const given = { chain, signer: `0x${'00'.repeat(20)}` as const, platform: setting.events }
      expect(outcome(given)).toMatch(/^expected /)
    }),
  )
})

test('what a peer wrote fills no report', () => {
  const long = 'x'.repeat(1_000_000)
  for (const chain of [{ path: long }, { purpose: long }, { algorithm: long }]) {
    expect(outcome(evidenceOf(setting, 'v0', { chain })).length).toBeLessThan(400)
  }
})
