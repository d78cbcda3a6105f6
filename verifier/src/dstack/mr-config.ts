import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { keccak256, sha256 } from '../bytes/hash.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { canonicalJson, parseCanonicalJson, type JsonValue } from '../protocol/canonical-json.ts'
import { asArray, asBareHex, asInteger, asOneOf, asString, exactObject } from '../protocol/shape.ts'

/** Largest version 3 document read (real ones have about 500 characters). */
export const MAX_MR_CONFIG_CHARACTERS: number = 16 * 1024

const MAX_INIT_SCRIPTS = 5
const MAX_PROVIDER_ID_CHARACTERS = 1024
const PADDING = new Uint8Array(15)
const V3_DOMAIN = utf8('dstack-mr-config-v3:\0')

/** Kinds of key provider; the index is the kind's number in version 2. */
export const KEY_PROVIDER_KINDS = ['none', 'local', 'kms', 'tpm'] as const

/** One of {@link KEY_PROVIDER_KINDS}. */
export type KeyProviderKind = (typeof KEY_PROVIDER_KINDS)[number]

/** What a version 3 document demands of a TD; hashes and ids in bare hex, undefined where it demands nothing. */
export interface MrConfig {
  readonly composeHash: string
  readonly keyProvider: KeyProviderKind
  readonly keyProviderId: string | undefined
  readonly appId: string | undefined
  readonly instanceId: string | undefined
  readonly gpuPolicyHash: string | undefined
  /** In the order of execution; an empty list allows no script. */
  readonly initScriptHashes: readonly string[] | undefined
}

/** MRCONFIGID version 1: 01 ‖ compose hash ‖ zeros. */
export function mrConfigIdV1(composeHash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(1), composeHash, PADDING)
}

/** MRCONFIGID version 2: 02 ‖ keccak256(compose hash ‖ app id ‖ kind ‖ key provider id) ‖ zeros. */
export function mrConfigIdV2(
  composeHash: Uint8Array,
  appId: Uint8Array,
  kind: KeyProviderKind,
  keyProviderId: Uint8Array,
): Uint8Array {
  const number = Uint8Array.of(KEY_PROVIDER_KINDS.indexOf(kind))
  const digest = keccak256(concatBytes(composeHash, appId, number, keyProviderId))
  return concatBytes(Uint8Array.of(2), digest, PADDING)
}

/** MRCONFIGID version 3: 03 ‖ SHA-256("dstack-mr-config-v3:" ‖ 00 ‖ document) ‖ zeros. The bytes are hashed as they are. */
export function mrConfigIdV3(document: string): Uint8Array {
  return concatBytes(Uint8Array.of(3), sha256(concatBytes(V3_DOMAIN, utf8(document))), PADDING)
}

/**
 * Every version 3 document whose members say what `config` says, in canonical form: with each of the optional members
 * and without it. dstack has them in and leaves them out by version and manifest.
 */
export function mrConfigDocuments(config: MrConfig): readonly string[] {
  const optional = {
    app_id: config.appId,
    gpu_policy_hash: config.gpuPolicyHash,
    init_script_hashes: config.initScriptHashes,
    instance_id: config.instanceId,
    key_provider_id: config.keyProviderId,
    version: 3,
  }
  const required = { compose_hash: config.composeHash, key_provider: config.keyProvider }
  let variants: readonly Readonly<Record<string, JsonValue>>[] = [required]
  for (const [member, value] of Object.entries(optional)) {
    if (value === undefined) continue
    variants = [...variants, ...variants.map((variant) => ({ ...variant, [member]: value }))]
  }
  return variants.map((variant) => canonicalJson(variant))
}

/**
 * Reads a version 3 document. dstack generates it in canonical form (RFC 8785), and no other form is read: with a
 * doubled member the guest and this program could see two documents.
 * @throws ProtocolError `INPUT_JSON`, `INPUT_FIELD`, `INPUT_HEX`, `INPUT_TOO_LARGE`
 */
export function parseMrConfig(document: string): MrConfig {
  if (document.length > MAX_MR_CONFIG_CHARACTERS) {
    throw new ProtocolError(
      'INPUT_TOO_LARGE',
      `mr_config: more than ${MAX_MR_CONFIG_CHARACTERS} characters`,
    )
  }
  const object = exactObject(
    parseCanonicalJson(document, 'mr_config'),
    'mr_config',
    ['compose_hash', 'key_provider'],
    [
      'app_id',
      'gpu_policy_hash',
      'init_script_hashes',
      'instance_id',
      'key_provider_id',
      'version',
    ],
  )
  // A missing version means 3.
  asInteger(object['version'] ?? 3, 'mr_config.version', { min: 3, max: 3 })
  const hex = (member: string, length: number): string | undefined =>
    object[member] === undefined
      ? undefined
      : asBareHex(object[member], `mr_config.${member}`, length)
  const scripts = object['init_script_hashes']
  return {
    composeHash: asBareHex(object['compose_hash'], 'mr_config.compose_hash', 32),
    keyProvider: asOneOf(object['key_provider'], 'mr_config.key_provider', KEY_PROVIDER_KINDS),
    keyProviderId: providerId(object['key_provider_id']),
    appId: hex('app_id', 20),
    instanceId: hex('instance_id', 20),
    gpuPolicyHash: hex('gpu_policy_hash', 32),
    initScriptHashes:
      scripts === undefined
        ? undefined
        : asArray(scripts, 'mr_config.init_script_hashes', MAX_INIT_SCRIPTS).map((hash) =>
            asBareHex(hash, 'mr_config.init_script_hashes[]', 32),
          ),
  }
}

function providerId(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const place = 'mr_config.key_provider_id'
  const text = asString(value, place, MAX_PROVIDER_ID_CHARACTERS)
  return asBareHex(text, place, fromBareHex(text, undefined, place).length)
}
