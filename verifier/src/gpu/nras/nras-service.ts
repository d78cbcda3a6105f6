import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { VerifierError } from '../../errors.ts'
import type { GpuTier } from '../gpu-trust-anchor.ts'
import { NRAS_ISSUER } from './nras-issuer.ts'

const made = new WeakSet<NrasService>()

/** Whose tokens count: an issuer and its keys of that day. Only made by the two functions below. */
export interface NrasService {
  readonly tier: GpuTier
  readonly name: string
  readonly issuer: string
  readonly keys: ReturnType<typeof createLocalJWKSet>
}

/** NVIDIA Remote Attestation Service with the key set that the caller fetched from it, or archived with the token. */
export function nvidiaNras(jwks: JSONWebKeySet): NrasService {
  return service('nvidia', 'NRAS', NRAS_ISSUER, jwks)
}

/**
 * Another service, handed in by name. Every verdict by it says `simulated`.
 * @throws VerifierError `TRUST_ANCHOR_INVALID` for NVIDIA's issuer, which is never simulated, or an empty name
 */
export function simulatedNras(
  name: string,
  { issuer, jwks }: { readonly issuer: string; readonly jwks: JSONWebKeySet },
): NrasService {
  if (name === '') throw invalid('empty name')
  if (issuer === NRAS_ISSUER) throw invalid('the issuer of NVIDIA as simulated')
  return service('simulated', name, issuer, jwks)
}

/** Refuses an object that only looks like a service. */
export function assertNrasService(candidate: NrasService): void {
  if (!made.has(candidate)) throw invalid('not made by this module')
}

function service(tier: GpuTier, name: string, issuer: string, jwks: JSONWebKeySet): NrasService {
  try {
    const found = Object.freeze({ tier, name, issuer, keys: createLocalJWKSet(jwks) })
    made.add(found)
    return found
  } catch (cause) {
    throw new VerifierError('TRUST_ANCHOR_INVALID', 'NRAS: not a key set', { cause })
  }
}

function invalid(what: string): VerifierError {
  return new VerifierError('TRUST_ANCHOR_INVALID', `NRAS: ${what}`)
}
