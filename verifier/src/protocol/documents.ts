import { utf8 } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts'
import { asArray, asBareHex, asHex, asInteger, asOneOf, asString, exactObject } from './shape.ts'

/** An Ed25519 key that signs compute receipts; bare hex, 32 bytes. */
export interface ReceiptSigningKey {
  readonly key_id: string
  readonly algo: 'ed25519'
  readonly public_key: string
}

/** A key that request bodies may be sealed to; bare hex, of the length its `algo` has. */
export interface E2eePublicKey {
  readonly key_id: string
  readonly algo: string
  readonly public_key: string
}

/** A TLS key that ends inside the TD: SHA-256 of its SubjectPublicKeyInfo, bare hex. */
export interface TlsPublicKey {
  readonly spki_sha256: string
  readonly domain?: string
}

/** The ACI keyset (docs/protocol.md §3). `not_after` is in Unix seconds. */
export interface Keyset {
  readonly subject: string | null
  readonly not_after: number
  readonly receipt_signing_keys: readonly ReceiptSigningKey[]
  readonly e2ee_public_keys: readonly E2eePublicKey[]
  readonly tls_public_keys: readonly TlsPublicKey[]
}

/** How much is known of the weights: `measured` only when the node's own code hashed the bytes it loads. */
export type WeightsState = 'measured' | 'declared' | 'unverifiable'

/** One model of the catalogue (docs/protocol.md §3). */
export interface ModelDescriptor {
  readonly id: string
  readonly weights_sha256: Hex
  readonly state: WeightsState
  readonly engine: string
  readonly quantization: string
  readonly adapters: readonly Hex[]
  readonly chat_template_sha256: Hex
  readonly context_tokens: number
}

/** The models a node serves. */
export interface ModelCatalog {
  readonly v: 1
  readonly models: readonly ModelDescriptor[]
}

/** What leaves the node, and in what form prompts reach it (docs/protocol.md §3). */
export interface Posture {
  readonly v: 1
  readonly content_logging: 'none'
  readonly egress: readonly string[]
  readonly request_confidentiality: 'plaintext' | 'tls' | 'sealed'
  readonly tools: 'none'
}

/** Bytes of a key that request bodies are sealed to, by `algo`; others are listed by nobody and mean nothing here. */
const E2EE_KEY_BYTES: Readonly<Record<string, number>> = {
  'ehbp-x25519-aes-256-gcm': 32,
  'jeju-x-wing-aes-256-gcm': 1216,
}

const MAX_KEYS = 16
const MAX_MODELS = 64
const MAX_ADAPTERS = 16
const MAX_EGRESS = 64
const MAX_UNIX_SECONDS = 2 ** 40

/** SHA-256 over the exact bytes of a document. */
export function documentDigest(text: string): Hex {
  return toHex(sha256(utf8(text)))
}

/** The model id used on chain: SHA-256 of the JCS of one catalogue entry, so that a price is tied to exact weights. */
export function modelIdOf(descriptor: ModelDescriptor): Hex {
  return documentDigest(canonicalJson({ ...descriptor }))
}

/** Reads a canonical keyset document. */
export function parseKeyset(text: string): Keyset {
  const keyset = exactObject(parseCanonicalJson(text, 'keyset'), 'keyset', [
    'subject',
    'not_after',
    'receipt_signing_keys',
    'e2ee_public_keys',
    'tls_public_keys',
  ])
  return {
    subject: keyset['subject'] === null ? null : asString(keyset['subject'], 'keyset.subject'),
    not_after: asInteger(keyset['not_after'], 'keyset.not_after', {
      min: 0,
      max: MAX_UNIX_SECONDS,
    }),
    receipt_signing_keys: asArray(
      keyset['receipt_signing_keys'],
      'keyset.receipt_signing_keys',
      MAX_KEYS,
    ).map((key) => parseReceiptKey(key)),
    e2ee_public_keys: asArray(keyset['e2ee_public_keys'], 'keyset.e2ee_public_keys', MAX_KEYS).map(
      (key) => parseE2eeKey(key),
    ),
    tls_public_keys: asArray(keyset['tls_public_keys'], 'keyset.tls_public_keys', MAX_KEYS).map(
      (key) => parseTlsKey(key),
    ),
  }
}

function parseReceiptKey(value: unknown): ReceiptSigningKey {
  const place = 'keyset.receipt_signing_keys[]'
  const key = exactObject(value, place, ['key_id', 'algo', 'public_key'])
  return {
    key_id: asString(key['key_id'], `${place}.key_id`, 64),
    algo: asOneOf(key['algo'], `${place}.algo`, ['ed25519']),
    public_key: asBareHex(key['public_key'], `${place}.public_key`, 32),
  }
}

function parseE2eeKey(value: unknown): E2eePublicKey {
  const place = 'keyset.e2ee_public_keys[]'
  const key = exactObject(value, place, ['key_id', 'algo', 'public_key'])
  const algo = asString(key['algo'], `${place}.algo`, 64)
  const bytes = Object.hasOwn(E2EE_KEY_BYTES, algo) ? E2EE_KEY_BYTES[algo] : undefined
  return {
    key_id: asString(key['key_id'], `${place}.key_id`, 64),
    algo,
    public_key: asBareHex(key['public_key'], `${place}.public_key`, bytes ?? 32),
  }
}

function parseTlsKey(value: unknown): TlsPublicKey {
  const place = 'keyset.tls_public_keys[]'
  const key = exactObject(value, place, ['spki_sha256'], ['domain'])
  const spki_sha256 = asBareHex(key['spki_sha256'], `${place}.spki_sha256`, 32)
  return key['domain'] === undefined
    ? { spki_sha256 }
    : { spki_sha256, domain: asString(key['domain'], `${place}.domain`, 253) }
}

/** Reads a canonical model catalogue; at least one model, every id once. */
export function parseCatalog(text: string): ModelCatalog {
  const catalog = exactObject(parseCanonicalJson(text, 'catalog'), 'catalog', ['v', 'models'])
  asInteger(catalog['v'], 'catalog.v', { min: 1, max: 1 })
  const models = asArray(catalog['models'], 'catalog.models', MAX_MODELS).map(parseModel)
  asInteger(models.length, 'catalog.models.length', { min: 1, max: MAX_MODELS })
  asInteger(new Set(models.map((model) => model.id)).size, 'catalog.models (distinct ids)', {
    min: models.length,
    max: models.length,
  })
  return { v: 1, models }
}

function parseModel(value: unknown): ModelDescriptor {
  const place = 'catalog.models[]'
  const model = exactObject(value, place, [
    'id',
    'weights_sha256',
    'state',
    'engine',
    'quantization',
    'adapters',
    'chat_template_sha256',
    'context_tokens',
  ])
  return {
    id: asString(model['id'], `${place}.id`, 128),
    weights_sha256: asHex(model['weights_sha256'], `${place}.weights_sha256`, 32),
    state: asOneOf(model['state'], `${place}.state`, ['measured', 'declared', 'unverifiable']),
    engine: asString(model['engine'], `${place}.engine`, 128),
    quantization: asString(model['quantization'], `${place}.quantization`, 64),
    adapters: asArray(model['adapters'], `${place}.adapters`, MAX_ADAPTERS).map((adapter) =>
      asHex(adapter, `${place}.adapters[]`, 32),
    ),
    chat_template_sha256: asHex(model['chat_template_sha256'], `${place}.chat_template_sha256`, 32),
    context_tokens: asInteger(model['context_tokens'], `${place}.context_tokens`, {
      min: 1,
      max: 2 ** 31,
    }),
  }
}

/** Reads a canonical data-flow posture. */
export function parsePosture(text: string): Posture {
  const posture = exactObject(parseCanonicalJson(text, 'posture'), 'posture', [
    'v',
    'content_logging',
    'egress',
    'request_confidentiality',
    'tools',
  ])
  asInteger(posture['v'], 'posture.v', { min: 1, max: 1 })
  return {
    v: 1,
    content_logging: asOneOf(posture['content_logging'], 'posture.content_logging', ['none']),
    egress: asArray(posture['egress'], 'posture.egress', MAX_EGRESS).map((origin) =>
      asString(origin, 'posture.egress[]'),
    ),
    request_confidentiality: asOneOf(
      posture['request_confidentiality'],
      'posture.request_confidentiality',
      ['plaintext', 'tls', 'sealed'],
    ),
    tools: asOneOf(posture['tools'], 'posture.tools', ['none']),
  }
}
