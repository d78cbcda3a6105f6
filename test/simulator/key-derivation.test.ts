import { describe, expect, test } from 'vitest'
import { fromBareHex, toBareHex } from '@jeju/verifier/protocol'
import {
  deriveV0,
  deriveV1,
  type AppKeys,
  type KeyAlgorithm,
} from '../../simulator/src/td/key-derivation.ts'
import { haveVectors, vectorJson } from '../verifier/vectors.ts'

interface Link {
  readonly path: string
  readonly domain: string
  readonly purpose: string
  readonly algorithm: KeyAlgorithm
  readonly signature: string
}

interface Surface {
  readonly app_root_key: string
  readonly link0: Link
  readonly keys?: readonly {
    readonly domain: string
    readonly algorithm: KeyAlgorithm
    readonly key: string
    readonly public_key: string
  }[]
  readonly keys_by_path?: readonly {
    readonly path: string
    readonly key: string
    readonly ed25519_public_key: string
    readonly secp256k1_public_key: string
  }[]
}

const appRootSignature = new Uint8Array(65)

describe('key derivation of dstack', () => {
  test('fixed values, so that a change of the derivation is seen without vectors too', () => {
    const keys = { appRoot: new Uint8Array(32).fill(1), appRootSignature }
    const v0 = deriveV0(keys, 'test', 'purpose', 'secp256k1')
    const v1 = deriveV1(keys, 'test', 'secp256k1')
    expect(toBareHex(v0.key)).toMatchInlineSnapshot(
      `"28faeb7f8c1481f457ff6bb56db2778dd50c4c229aff51d4f7a45b47c6f46718"`,
    )
    expect(toBareHex(v1.key)).toMatchInlineSnapshot(
      `"84d05bd957c01bc8fd5b47f4e61d6629e32fe4f300ae94f22d515d37889292cd"`,
    )
    expect(deriveV0(keys, 'test', 'other', 'ed25519').key).toEqual(v0.key)
    expect(deriveV1(keys, 'test', 'ed25519').key).not.toEqual(v1.key)
  })

  describe.runIf(haveVectors)('published vectors', () => {
    const surface = (name: string): Surface => {
      const vectors = vectorJson('dstack', 'dstack-vectors.json') as Record<string, Surface>
      const found = vectors[name]
      if (found === undefined) throw new Error(`no vectors ${name}`)
      return found
    }
    const keysOf = ({ app_root_key }: Surface): AppKeys => ({
      appRoot: fromBareHex(app_root_key.padStart(64, '0')),
      appRootSignature,
    })

    test('v0', () => {
      const v0 = surface('guest_api_v0')
      for (const { path, ...wanted } of v0.keys_by_path ?? []) {
        const k256 = deriveV0(keysOf(v0), path, 'any', 'secp256k1')
        const edwards = deriveV0(keysOf(v0), path, 'any', 'ed25519')
        expect(toBareHex(k256.key)).toBe(wanted.key)
        expect(toBareHex(k256.publicKey)).toBe(wanted.secp256k1_public_key)
        expect(toBareHex(edwards.publicKey)).toBe(wanted.ed25519_public_key)
      }
      const { path, purpose, algorithm, signature } = v0.link0
      const [link] = deriveV0(keysOf(v0), path, purpose, algorithm).signatureChain
      expect(toBareHex(link)).toBe(signature)
    })

    test('v1', () => {
      const v1 = surface('guest_api_v1')
      for (const { domain, algorithm, key, public_key } of v1.keys ?? []) {
        const derived = deriveV1(keysOf(v1), domain, algorithm)
        expect(toBareHex(derived.key)).toBe(key)
        expect(toBareHex(derived.publicKey)).toBe(public_key)
      }
      const { domain, algorithm, signature } = v1.link0
      const [link] = deriveV1(keysOf(v1), domain, algorithm).signatureChain
      expect(toBareHex(link)).toBe(signature)
    })
  })
})
