import { describe, expect, test } from 'vitest'
import { parseQuote } from '@jeju/verifier'
import { addressOf, fromBareHex, toBareHex, type KmsChain } from '@jeju/verifier/protocol'
import { SIGNER_PURPOSE, signerPath } from '../../../verifier/src/protocol/signer-path.ts'
import { deriveV0, deriveV1 } from '../../../simulator/src/td/key-derivation.ts'
import { checkAttestationLog } from '../../../verifier/src/dstack/attestation/check-attestation-log.ts'
import { decodeAttestation } from '../../../verifier/src/dstack/attestation/decode-attestation.ts'
import { checkKeyCustody } from '../../../verifier/src/dstack/check-key-custody.ts'
import { appRootClaim, keyClaim, recoverLink } from '../../../verifier/src/dstack/key-chain.ts'
import { keyProviderOf } from '../../../verifier/src/dstack/key-provider.ts'
import { singlePayload } from '../../../verifier/src/dstack/platform-events.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

interface Vectors {
  readonly guest_api_v1: {
    readonly keys: readonly {
      readonly domain: string
      readonly algorithm: string
      readonly public_key: string
    }[]
    readonly link0: {
      readonly domain: string
      readonly algorithm: string
      readonly signature: string
    }
  }
  readonly guest_api_v0: {
    readonly app_root_pubkey: string
    readonly keys_by_path: readonly {
      readonly path: string
      readonly secp256k1_public_key: string
    }[]
    readonly link0: {
      readonly path: string
      readonly purpose: string
      readonly algorithm: string
      readonly signature: string
    }
  }
  readonly simulator_fixture_v0: {
    readonly app_id: string
    readonly app_root_pubkey: string
    readonly kms_root_pubkey: string
    readonly kms_ca_spki_der: string
  }
  readonly signature_chain_v0: {
    readonly app_id: string
    readonly path: string
    readonly purpose: string
    readonly kms_root_pubkey: string
    readonly app_root_pubkey: string
    readonly wrong_kms_root_pubkey: string
    readonly cases: readonly {
      readonly algorithm: string
      readonly public_key: string
      readonly app_sig: string
    }[]
    readonly kms_sig: string
  }
}

const chainOf = (chain: Partial<KmsChain>): KmsChain => ({
  algorithm: 'secp256k1',
  keyApi: 'v0',
  path: '',
  purpose: '',
  publicKey: new Uint8Array(33),
  signatures: [new Uint8Array(65), new Uint8Array(65)],
  ...chain,
})

/** Bare hex of the key that signed, or what is wrong. */
function signerOf(claim: Uint8Array, link: string): string {
  const recovered = recoverLink(claim, fromBareHex(link))
  return 'fault' in recovered ? recovered.fault : toBareHex(recovered.publicKey)
}

describe.runIf(haveVectors)('signature chains of dstack', () => {
  const vectors = (haveVectors ? vectorJson('dstack', 'dstack-vectors.json') : {}) as Vectors

  test('v0: both links lead from the derived key to the KMS root', () => {
    const { cases, kms_sig, app_id, purpose, app_root_pubkey, ...rest } = vectors.signature_chain_v0
    for (const { algorithm, public_key, app_sig } of cases) {
      const chain = chainOf({ algorithm, purpose, publicKey: fromBareHex(public_key) })
      expect(signerOf(keyClaim(chain), app_sig), algorithm).toBe(app_root_pubkey)
      expect(signerOf(keyClaim({ ...chain, purpose: 'other' }), app_sig)).not.toBe(app_root_pubkey)
    }
    const claim = appRootClaim(fromBareHex(app_id), fromBareHex(app_root_pubkey))
    expect(signerOf(claim, kms_sig)).toBe(rest.kms_root_pubkey)
    expect(signerOf(claim, kms_sig)).not.toBe(rest.wrong_kms_root_pubkey)
  })

  test('v0: the published link of the guest API text', () => {
    const { link0, keys_by_path, app_root_pubkey } = vectors.guest_api_v0
    const key = keys_by_path.find(({ path }) => path === link0.path)
    const publicKey = fromBareHex(key?.secp256k1_public_key ?? '')
    const chain = chainOf({ ...link0, publicKey })
    expect(signerOf(keyClaim(chain), link0.signature)).toBe(app_root_pubkey)
  })

  test('v1: the published link of the guest API text, under the same app root key', () => {
    const { link0, keys } = vectors.guest_api_v1
    const key = keys.find(
      ({ domain, algorithm }) => domain === link0.domain && algorithm === link0.algorithm,
    )
    const publicKey = fromBareHex(key?.public_key ?? '')
    const chain = chainOf({ keyApi: 'v1', path: link0.domain, publicKey })
    const root = vectors.guest_api_v0.app_root_pubkey
    expect(signerOf(keyClaim(chain), link0.signature)).toBe(root)
    for (const other of [
      { path: 'storage' },
      { algorithm: 'ed25519' },
      { keyApi: 'v0', purpose: link0.domain } as const,
    ]) {
      expect(signerOf(keyClaim({ ...chain, ...other }), link0.signature)).not.toBe(root)
    }
  })

  test('A13 the real bundle of the fixture: app id and key provider of its log, KMS root of its key', () => {
    const fixture = vectors.simulator_fixture_v0
    const attestation = decodeAttestation(
      vectorBytes('dstack', 'dstack-next', 'simulator', 'attestation.bin'),
    )
    const { rtmrs } = parseQuote(attestation.quote).body
    const { platform = [] } = checkAttestationLog(attestation, rtmrs[3])
    const appId = singlePayload(platform, 'app-id') ?? new Uint8Array(0)
    expect(toBareHex(appId)).toBe(fixture.app_id)
    expect(keyProviderOf(platform)).toEqual({
      name: 'kms',
      id: fromBareHex(fixture.kms_ca_spki_der),
    })
    const keys = vectorJson('dstack', 'dstack-next', 'simulator', 'appkeys.json') as {
      readonly k256_signature: string
    }
    const claim = appRootClaim(appId, fromBareHex(fixture.app_root_pubkey))
    expect(signerOf(claim, keys.k256_signature)).toBe(fixture.kms_root_pubkey)
    const other = appRootClaim(new Uint8Array(20), fromBareHex(fixture.app_root_pubkey))
    expect(signerOf(other, keys.k256_signature)).not.toBe(fixture.kms_root_pubkey)
  })

  test('A13 custody on a real log: a signer derived from the released app key', () => {
    const fixture = vectors.simulator_fixture_v0
    const attestation = decodeAttestation(
      vectorBytes('dstack', 'dstack-next', 'simulator', 'attestation.bin'),
    )
    const { rtmrs } = parseQuote(attestation.quote).body
    const { platform = [] } = checkAttestationLog(attestation, rtmrs[3])
    const released = vectorJson('dstack', 'dstack-next', 'simulator', 'appkeys.json') as {
      readonly k256_key: string
      readonly k256_signature: string
    }
    const keys = {
      appRoot: fromBareHex(released.k256_key),
      appRootSignature: fromBareHex(released.k256_signature),
    }
    const path = signerPath(singlePayload(platform, 'instance-id') ?? new Uint8Array(0))
    const v0 = deriveV0(keys, path, SIGNER_PURPOSE, 'secp256k1')
    const v1 = deriveV1(keys, path, 'secp256k1')
    const custody = (keyApi: 'v0' | 'v1', root: string, ca: string): string => {
      const { key, publicKey, signatureChain: signatures } = keyApi === 'v0' ? v0 : v1
      const purpose = keyApi === 'v0' ? SIGNER_PURPOSE : ''
      const chain = chainOf({ keyApi, path, purpose, publicKey, signatures })
      const trusted = { rootPublicKey: `0x${root}`, caPublicKeyInfo: `0x${ca}` } as const
      const policy = { trustedKms: [trusted], keyApis: ['v0', 'v1'] } as const
      const check = checkKeyCustody({ chain, signer: addressOf(key), platform }, policy)
      return check.status === 'failed' ? check.expected : check.status
    }
    for (const keyApi of ['v0', 'v1'] as const) {
      const { kms_root_pubkey: root, kms_ca_spki_der: ca } = fixture
      expect(custody(keyApi, root, ca)).toBe('passed')
      const foreign = vectors.signature_chain_v0.kms_root_pubkey
      expect(custody(keyApi, foreign, ca)).toContain('KMS root')
      expect(custody(keyApi, root, ca.replace('19b2', '19b3'))).toContain('key provider')
    }
  })
})
