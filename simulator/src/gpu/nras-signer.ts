import { sha256, toBareHex, toBase64Url } from '@jeju/verifier/protocol'
import type { RandomSource } from '../pki/random-source.ts'
import { createP384Key, signP384, type P384Key } from './p384-key.ts'

/** A public key as JWK. */
export interface Jwk {
  readonly kty: 'EC'
  readonly crv: 'P-384'
  readonly kid: string
  readonly x: string
  readonly y: string
}

/** Claims of a token. */
export type Claims = Readonly<Record<string, unknown>>

/** What one device's submodule says, and the overall token around it. */
export interface NrasRequest {
  readonly nonce: Uint8Array
  readonly at: Date
  /** Claims of each device beside those every token has, by submodule name. */
  readonly submodules: Readonly<Record<string, Claims>>
}

/** How an answer lies: each part after it was made as it should be. */
export interface NrasLies {
  readonly overall?: Claims
  readonly header?: Claims
  readonly issuer?: string
  readonly result?: boolean
  /** The submodules that are handed out, after the digests were made. */
  readonly swapSubmodules?: (
    tokens: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>
  readonly key?: P384Key
}

/** A service like NVIDIA's, with a key set and an issuer of its own. */
export interface NrasSigner {
  readonly issuer: string
  readonly jwks: { readonly keys: Jwk[] }
  answer(request: NrasRequest, lies?: NrasLies): string
  token(claims: Claims, lies?: NrasLies): string
}

const ISSUER = 'https://nras.jeju-compute-simulator.invalid'
const LIFE_S = 3600

/** A signer with a fresh or seeded key. */
export function createNrasSigner(random: RandomSource): NrasSigner {
  const key = createP384Key(random, 'NRAS/key')
  const kid = 'nv-eat-kid-simulated-1'
  const coordinate = (from: number): string => toBase64Url(key.point.slice(from, from + 48))
  const jwk: Jwk = { kty: 'EC', crv: 'P-384', kid, x: coordinate(0), y: coordinate(48) }
  const token = (claims: Claims, lies: NrasLies = {}): string => {
    const header = { kid, alg: 'ES384', ...lies.header }
    const text = (value: object): string =>
      toBase64Url(new TextEncoder().encode(JSON.stringify(value)))
    const signed = `${text(header)}.${text(claims)}`
    const signature = signP384(lies.key ?? key, new TextEncoder().encode(signed))
    return `${signed}.${toBase64Url(signature)}`
  }
  return {
    issuer: ISSUER,
    jwks: { keys: [jwk] },
    token,
    answer: ({ nonce, at, submodules }, lies = {}) => {
      const now = Math.floor(at.getTime() / 1000)
      const common = {
        iss: lies.issuer ?? ISSUER,
        iat: now,
        nbf: now,
        exp: now + LIFE_S,
        jti: toBareHex(sha256(nonce)),
        eat_nonce: toBareHex(nonce),
      }
      const tokens = Object.fromEntries(
        Object.entries(submodules).map(([name, claims]) => [
          name,
          token({ ...common, ...claims }, lies),
        ]),
      )
      const submods = Object.fromEntries(
        Object.entries(tokens).map(([name, made]) => [
          name,
          ['DIGEST', ['SHA-256', toBareHex(sha256(new TextEncoder().encode(made)))]],
        ]),
      )
      const overall = token(
        {
          ...common,
          sub: 'NVIDIA-PLATFORM-ATTESTATION',
          'x-nvidia-ver': '3.0',
          'x-nvidia-overall-att-result': lies.result ?? true,
          submods,
          ...lies.overall,
        },
        lies,
      )
      return JSON.stringify([['JWT', overall], lies.swapSubmodules?.(tokens) ?? tokens])
    },
  }
}
