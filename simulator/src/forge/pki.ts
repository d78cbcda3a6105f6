import type { RandomSource } from '../pki/random-source.ts'
import {
  encodeSgxFields,
  SGX_EXTENSION_OID,
  sgxFields,
  type SgxPlatform,
} from '../pki/sgx-extension.ts'
import { usualExtensions, writeCertificate, type CertificateFields } from './certificate.ts'
import type { ForgeKey, ForgeKeys, KeyName } from './keys.ts'
import { nameOf, type ExtensionFields, type SignedForm } from './signed-der.ts'

/** The certificates under one root: PCK CA, PCK leaf, and who signs collateral. */
export const CERTIFICATE_NAMES = ['root', 'intermediate', 'leaf', 'signer'] as const

/** One of {@link CERTIFICATE_NAMES}. */
export type CertificateName = (typeof CERTIFICATE_NAMES)[number]

/** What differs from a genuine certificate. Certificates below it are signed by its key, whatever it is. */
export interface CertificateChange extends SignedForm {
  /** Whose key it certifies. */
  readonly key?: KeyName
  readonly fields?: (fields: CertificateFields) => CertificateFields
  /** Who signs instead of the issuer. */
  readonly signedBy?: KeyName
}

/** A certificate as it was written. */
export interface ForgedCertificate {
  readonly fields: CertificateFields
  readonly der: Uint8Array
  readonly key: ForgeKey
}

/** The certificates of a forged PKI. */
export type ForgedPki = Readonly<Record<CertificateName, ForgedCertificate>>

/** Everything that stays the same between the forgeries of one seed. */
export interface ForgeWorld {
  readonly keys: ForgeKeys
  readonly serials: Readonly<Record<CertificateName, Uint8Array>>
  readonly at: Date
}

const ISSUERS = {
  root: 'root',
  intermediate: 'root',
  leaf: 'intermediate',
  signer: 'root',
} as const
const COMMON_NAMES = {
  root: 'Intel SGX Root CA',
  intermediate: 'Intel SGX PCK Platform CA',
  leaf: 'Intel SGX PCK Certificate',
  signer: 'Intel SGX TCB Signing',
} as const
/** Path length below each CA. */
const PATH_LENGTHS = { root: 1, intermediate: 0, leaf: false, signer: false } as const

const DAY_MS = 24 * 3600 * 1000
/** Certificates are valid from so long before the moment of the forge, and until so long after. */
const VALID_BEFORE_MS = 30 * DAY_MS
const VALID_AFTER_MS = 365 * DAY_MS

/** Facts of the forged platform: every SGX component at SVN 3, a family that does not exist. */
export const USUAL_PLATFORM: SgxPlatform = {
  ppid: new Uint8Array(16).fill(0x99),
  components: new Uint8Array(16).fill(3),
  pceSvn: 13,
  pceId: new Uint8Array(2),
  fmspc: Uint8Array.of(0xfa, 0x4e, 0, 0, 0, 1),
  platformInstanceId: new Uint8Array(16).fill(0x88),
}

/** Positive serial numbers of 20 bytes. */
export function createSerials(random: RandomSource): ForgeWorld['serials'] {
  const serial = (name: CertificateName): Uint8Array => {
    const [first = 0, ...rest] = random(`${name}/serial`, 20)
    return Uint8Array.of(0x40 | (first & 0x3f), ...rest)
  }
  return {
    root: serial('root'),
    intermediate: serial('intermediate'),
    leaf: serial('leaf'),
    signer: serial('signer'),
  }
}

/** Writes the certificates, each signed by its issuer. */
export function writePki(
  changes: Partial<Record<CertificateName, CertificateChange>>,
  world: ForgeWorld,
): ForgedPki {
  const keyOf = (name: CertificateName): ForgeKey => world.keys[changes[name]?.key ?? name]
  const write = (name: CertificateName): ForgedCertificate => {
    const { fields: changed, signedBy, ...form } = changes[name] ?? {}
    const issuer = keyOf(ISSUERS[name])
    const usual = usualFields(name, keyOf(name), issuer, world)
    const fields = changed?.(usual) ?? usual
    const { pair } = signedBy === undefined ? issuer : world.keys[signedBy]
    return { fields, der: writeCertificate(fields, pair, form), key: keyOf(name) }
  }
  return {
    root: write('root'),
    intermediate: write('intermediate'),
    leaf: write('leaf'),
    signer: write('signer'),
  }
}

function usualFields(
  name: CertificateName,
  key: ForgeKey,
  issuer: ForgeKey,
  { serials, at }: ForgeWorld,
): CertificateFields {
  const usual = usualExtensions(PATH_LENGTHS[name], key.point, issuer.point)
  return {
    version: 2,
    serial: serials[name],
    issuer: nameOf(COMMON_NAMES[ISSUERS[name]]),
    notBefore: new Date(at.getTime() - VALID_BEFORE_MS),
    notAfter: new Date(at.getTime() + VALID_AFTER_MS),
    subject: nameOf(COMMON_NAMES[name]),
    publicKey: key.point,
    extensions: name === 'leaf' ? [...usual, usualSgxExtension()] : usual,
  }
}

function usualSgxExtension(): ExtensionFields {
  return {
    oid: SGX_EXTENSION_OID,
    critical: false,
    value: encodeSgxFields(sgxFields(USUAL_PLATFORM)),
  }
}
