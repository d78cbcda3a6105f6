import { fromBareHex } from '../bytes/hex.ts'
import { checkRelease, trustedBy, type KeyCustodyPolicy } from '../dstack/check-key-custody.ts'
import type { RuntimeEvent } from '../dstack/runtime-events.ts'
import type { KmsChain } from '../protocol/evidence-bundle.ts'
import { asArray, asObject, asString } from '../protocol/shape.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import { checkCertifiedKey } from './certified-key.ts'
import type { AciKeyset } from './keyset.ts'

/** A key that a KMS released, as `key_custody` shows it. */
export interface ReleasedKey {
  readonly role: string
  readonly publicKey: string
  readonly chain: KmsChain
}

/** A TLS key and the certificates that the platform gave it. */
export interface CertifiedKey {
  readonly spkiSha256: string
  readonly certificates: readonly string[]
}

/** The custody that an ACI report shows for its keys. */
export interface AciCustody {
  readonly released: readonly ReleasedKey[]
  readonly certified: readonly CertifiedKey[]
}

const MAX_KEYS = 64
const MAX_CERTIFICATES = 4

/** Purpose under which a KMS has to have released a key of each role (ACI, custody chain; docs/protocol.md §11). */
const PURPOSES: Readonly<Record<string, { readonly role: string; readonly purpose: string }>> = {
  ed25519: { role: 'receipt', purpose: 'aci.receipt.ed25519.v1' },
  'x25519-aes-256-gcm-hkdf-sha256': { role: 'e2ee-x25519', purpose: 'aci.e2ee.x25519.v1' },
  'secp256k1-aes-256-gcm-hkdf-sha256': { role: 'e2ee-secp256k1', purpose: 'aci.e2ee.v1' },
  'ehbp-x25519-aes-256-gcm': { role: 'e2ee-ehbp-x25519', purpose: 'jeju.sealing.x25519.v1' },
  'jeju-x-wing-aes-256-gcm': { role: 'e2ee-x-wing', purpose: 'jeju.sealing.x-wing.v1' },
}

/** Whether custody of keys of that algorithm is judged; entries of others are ignored. */
export function isKnownAlgorithm(algo: string): boolean {
  return Object.hasOwn(PURPOSES, algo)
}

/** Reads `evidence.key_custody`. @throws ProtocolError */
export function readAciCustody(value: unknown): AciCustody {
  const entries = asArray(asObject(value, 'key_custody')['keys'], 'key_custody.keys', MAX_KEYS).map(
    (entry) => asObject(entry, 'key_custody.keys[]'),
  )
  return {
    released: entries.filter(({ role }) => role !== 'tls').map(readReleased),
    certified: entries
      .filter(({ role }) => role === 'tls')
      .map((entry) => ({
        spkiSha256: asString(entry['spki_sha256'], 'key_custody.keys[].spki_sha256', 64),
        certificates: asArray(
          entry['certificate_chain'],
          'key_custody.keys[].certificate_chain',
          MAX_CERTIFICATES,
        ).map((pem) => asString(pem, 'key_custody.keys[].certificate_chain[]', 16 * 1024)),
      })),
  }
}

function readReleased(entry: Readonly<Record<string, unknown>>): ReleasedKey {
  const place = 'key_custody.keys[]'
  const text = (name: string, maxLength: number): string =>
    asString(entry[name], `${place}.${name}`, maxLength)
  const links = asArray(entry['signature_chain'], `${place}.signature_chain`, 8).map((link) =>
    fromBareHex(
      asString(link, `${place}.signature_chain[]`, 130),
      65,
      `${place}.signature_chain[]`,
    ),
  )
  const [first = NO_LINK, second = NO_LINK, ...more] = links
  return {
    role: text('role', 64),
    publicKey: text('public_key', 8192),
    chain: {
      algorithm: 'secp256k1',
      keyApi: 'v0',
      path: text('path', 256),
      purpose: text('purpose', 128),
      publicKey: fromBareHex(text('kms_public_key', 66), 33, `${place}.kms_public_key`),
      signatures: more.length > 0 ? [NO_LINK, NO_LINK] : [first, second],
    },
  }
}

/** Recovers to nobody. */
const NO_LINK = new Uint8Array(0)

/**
 * `key-custody`: a trusted KMS released each listed key to the measured app, for that key's one role; a TLS key has a
 * certificate of that KMS (attack C10). A key beside the list proves nothing, and one of an unknown algorithm is
 * ignored, as its entry in the keyset is. That the released scalar is the published key rests on the measured code.
 */
export async function checkAciCustody(
  keyset: AciKeyset,
  custody: AciCustody,
  platform: readonly RuntimeEvent[] | undefined,
  given: { readonly policy: KeyCustodyPolicy; readonly at: Date },
): Promise<Check<'key-custody'>> {
  const name = 'key-custody'
  if (platform === undefined) return skipped(name, 'the event log was not replayed')
  const keys = [...keyset.receiptKeys, ...keyset.e2eeKeys]
  const roles: string[] = []
  for (const { algo, public_key } of keys) {
    const wanted = Object.hasOwn(PURPOSES, algo) ? PURPOSES[algo] : undefined
    if (wanted === undefined) continue
    const { role, purpose } = wanted
    const found = custody.released.filter(
      (key) => key.role === role && key.publicKey === public_key,
    )
    const [key] = found
    const what = `custody of ${role} key ${public_key.slice(0, 64)}`
    if (key === undefined || found.length > 1) return failed(name, what, `${found.length} entries`)
    if (key.chain.purpose !== purpose) {
      return failed(name, `${what} for ${purpose}`, key.chain.purpose)
    }
    const released = checkRelease(key.chain, platform, given.policy)
    if (released.status !== 'passed') return released
    roles.push(role)
  }
  for (const { spki_sha256 } of keyset.tlsKeys) {
    const key = custody.certified.find(({ spkiSha256 }) => spkiSha256 === spki_sha256)
    if (key === undefined) return failed(name, `custody of TLS key ${spki_sha256}`, 'none')
    const trusted = trustedBy(platform, given.policy)
    if ('status' in trusted) return trusted
    const issuers = trusted.map(({ caPublicKeyInfo }) => caPublicKeyInfo)
    const fault = await checkCertifiedKey(key, issuers, given.at)
    if (fault !== undefined) return failed(name, fault.expected, fault.actual)
    roles.push('tls')
  }
  return roles.includes('receipt')
    ? passed(name, { roles })
    : failed(name, 'a receipt key of a known algorithm', 'none')
}
