import { secp256k1PublicKey } from '@jeju/verifier/protocol'
import { issue, type Identity } from './pki/certificate-authority.ts'
import { collateralJson, type SimulatedPki } from './pki/collateral.ts'
import { seededRandom, systemRandom, type RandomSource } from './pki/random-source.ts'
import { publicKeyInfo } from './pki/signing-key.ts'
import { createPki } from './pki/simulated-pki.ts'
import {
  createQuotingEnclave,
  type QuoteLies,
  type QuotingEnclave,
} from './quote/quoting-enclave.ts'

/** The simulated KMS: a root key for app keys, and a CA for its certificates. */
export interface SimulatedKms {
  readonly rootKey: Uint8Array
  /** Compressed secp256k1 point: what a verifier pins as KMS root. */
  readonly rootPublicKey: Uint8Array
  readonly ca: Identity
  /** SubjectPublicKeyInfo DER of the CA: what the `key-provider` event carries. */
  readonly caPublicKeyInfo: Uint8Array
}

/** A machine without TDX, with everything a genuine one has: a PKI, a quoting enclave, a KMS. */
export interface SimulatedPlatform {
  readonly pki: SimulatedPki
  /** What a verifier must be given by name to accept this platform's quotes. */
  readonly rootCertificateDer: Uint8Array
  readonly quotingEnclave: QuotingEnclave
  readonly kms: SimulatedKms
  /** Collateral of this platform, dcap-qvl JSON. */
  collateralJson(at: Date): Promise<string>
}

/** Settings of a simulated platform. */
export interface PlatformOptions {
  /** Certificates are valid around this time. */
  readonly at: Date
  readonly lies?: QuoteLies
  /** Makes the same keys, certificates and quotes every time, for recorded test cases. Fresh keys without it. */
  readonly seed?: string
}

/** Makes a platform. */
export async function createSimulatedPlatform(
  options: PlatformOptions,
): Promise<SimulatedPlatform> {
  const { at, lies, seed } = options
  const random = seed === undefined ? systemRandom : seededRandom(seed)
  const pki = await createPki(at, random)
  return {
    pki,
    rootCertificateDer: pki.root.der,
    quotingEnclave: await createQuotingEnclave(pki, random, lies),
    kms: await createKms(at, random),
    collateralJson: (at) => collateralJson(pki, at),
  }
}

const YEAR_MS = 365 * 24 * 3600 * 1000

async function createKms(at: Date, random: RandomSource): Promise<SimulatedKms> {
  const rootKey = random('KMS root key', 32)
  const validity = { from: at, until: new Date(at.getTime() + 10 * YEAR_MS) }
  const commonName = 'Simulated Dstack KMS CA'
  const ca = await issue({ commonName, validity, role: { ca: 1 }, random })
  return {
    rootKey,
    rootPublicKey: secp256k1PublicKey(rootKey),
    ca,
    caPublicKeyInfo: await publicKeyInfo(ca.key),
  }
}
