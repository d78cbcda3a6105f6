import type { Hex } from '@jeju/verifier/protocol'

/** A service of an agent, as ERC-8004 lists it. */
export interface AgentService {
  readonly name: string
  readonly endpoint: string
  readonly version?: string
}

/** Which agent the file is about, and what the chain says of it. */
export interface RegistrationPlace {
  readonly agentId: bigint
  readonly chainId: number
  readonly identityRegistry: Hex
  readonly computeRegistry: Hex
  /** Recorded in ComputeRegistry: base address of the node. */
  readonly endpoint: string
}

/** What an agent says of itself beside what the chain says of it. */
export interface RegistrationContent {
  readonly name: string
  readonly description: string
  readonly image?: string
  /** sha256 of the attested TLS public key, where the node ends TLS itself. */
  readonly tlsKeyHash?: Hex
  /** Others than those of a compute provider. */
  readonly services?: readonly AgentService[]
  readonly active?: boolean
}

/** A registration file that fits its agent. */
export interface RegistrationFile {
  readonly name: string
  readonly description: string
  readonly image: string | undefined
  readonly services: readonly AgentService[]
  readonly tlsKeyHash: Hex | undefined
  readonly x402Support: boolean
  readonly active: boolean
  readonly supportedTrust: readonly string[]
}

/** The file cannot be written, or is not one of this agent; the message names the member, what was wanted and what came. */
export class RegistrationFileError extends Error {
  override readonly name = 'RegistrationFileError'
  readonly code = 'REGISTRATION_FILE'
}

/** Names of the services of a compute provider (docs/protocol.md §1). */
const INFERENCE = 'inference'
const ATTESTATION = 'attestation'
const COMPUTE = 'compute'
const TLS_KEY = 'tls-key'

const TYPE = 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1'
const TRUST = ['reputation', 'crypto-economic', 'tee-attestation'] as const
const PREFIX = 'data:application/json;base64,'
const ATTESTATION_PATH = 'v1/attestation'
/** Characters of the whole URI; what goes on chain costs by the byte. */
const MAX_URI = 16_384
const MAX_TEXT = 2_048
const MAX_ITEMS = 32

/**
 * An ERC-8004 registration file as an `agentURI` of its own (`data:application/json;base64,…`), so that nobody can
 * exchange it afterwards without a transaction. It is advertising: what a node is, its evidence says.
 *
 * @throws {RegistrationFileError}
 */
export function registrationFile(content: RegistrationContent, place: RegistrationPlace): string {
  const { name, description, image, tlsKeyHash, services = [], active = true } = content
  const file = {
    type: TYPE,
    name,
    description,
    ...(image === undefined ? {} : { image }),
    services: [
      { name: INFERENCE, endpoint: place.endpoint },
      { name: ATTESTATION, endpoint: attestationEndpoint(place.endpoint) },
      { name: COMPUTE, endpoint: accountId(place.chainId, place.computeRegistry) },
      ...(tlsKeyHash === undefined ? [] : [{ name: TLS_KEY, endpoint: `sha256:${tlsKeyHash}` }]),
      ...services,
    ],
    x402Support: true,
    active,
    registrations: [
      {
        agentId: jsonAgentId(place.agentId),
        agentRegistry: accountId(place.chainId, place.identityRegistry),
      },
    ],
    supportedTrust: TRUST,
  }
  const uri = `${PREFIX}${toBase64(new TextEncoder().encode(JSON.stringify(file)))}`
  // What would be refused by readers is not written.
  parseRegistrationFile(uri, place)
  return uri
}

/**
 * Reads an `agentURI` that holds its file, and compares it with the chain: type, agent and registry, endpoint, TEE
 * endpoint, trust models, sizes. A URI that points elsewhere is refused and never fetched: whoever may change an agent
 * would choose what this process connects to.
 *
 * @throws {RegistrationFileError}
 */
export function parseRegistrationFile(
  agentUri: string,
  place: RegistrationPlace,
): RegistrationFile {
  const file = parseObject(decode(agentUri), 'file')
  equal('type', file.get('type'), TYPE)
  const services = list(file, 'services').map(parseService)
  requireService(services, INFERENCE, place.endpoint)
  requireService(services, ATTESTATION, attestationEndpoint(place.endpoint))
  requireService(services, COMPUTE, accountId(place.chainId, place.computeRegistry))
  requireRegistration(list(file, 'registrations'), place)
  const supportedTrust = list(file, 'supportedTrust').map((item, i) =>
    text(item, `supportedTrust[${i}]`),
  )
  for (const trust of TRUST) {
    if (!supportedTrust.includes(trust)) throw refused('supportedTrust', trust, supportedTrust)
  }
  const image = file.get('image')
  return {
    name: text(file.get('name'), 'name'),
    description: text(file.get('description'), 'description'),
    image: image === undefined ? undefined : text(image, 'image'),
    services,
    tlsKeyHash: parseTlsKeyHash(services),
    x402Support: flag(file, 'x402Support'),
    active: flag(file, 'active'),
    supportedTrust,
  }
}

function decode(agentUri: string): unknown {
  if (agentUri.length > MAX_URI) {
    throw refused('agentURI', `at most ${MAX_URI} characters`, agentUri.length)
  }
  if (!agentUri.startsWith(PREFIX)) throw refused('agentURI', PREFIX, agentUri)
  const base64 = agentUri.slice(PREFIX.length)
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    if (toBase64(bytes) !== base64) throw new TypeError('not canonical base64')
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new RegistrationFileError('agentURI: expected base64 of UTF-8 JSON', { cause })
  }
}

function parseObject(value: unknown, name: string): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(name, 'an object', value)
  }
  return new Map(Object.entries(value))
}

function parseService(value: unknown, index: number): AgentService {
  const at = `services[${index}]`
  const members = parseObject(value, at)
  const version = members.get('version')
  return {
    name: text(members.get('name'), `${at}.name`),
    endpoint: text(members.get('endpoint'), `${at}.endpoint`),
    ...(version === undefined ? {} : { version: text(version, `${at}.version`) }),
  }
}

/** Exactly one of the name: of two, each reader would pick another. */
function requireService(services: readonly AgentService[], name: string, endpoint: string): void {
  const found = services.filter((service) => service.name === name)
  if (found.length !== 1) throw refused(`services ${name}`, 'exactly one', found.length)
  equal(`services ${name}`, found[0]?.endpoint, endpoint)
}

function parseTlsKeyHash(services: readonly AgentService[]): Hex | undefined {
  const found = services.filter((service) => service.name === TLS_KEY)
  const [first] = found
  if (first === undefined) return undefined
  const hash = first.endpoint.slice('sha256:'.length)
  if (found.length > 1 || !first.endpoint.startsWith('sha256:') || !isHash(hash)) {
    throw refused(`services ${TLS_KEY}`, 'one sha256:0x… of 32 bytes', first.endpoint)
  }
  return hash
}

/** One entry names this agent in this registry; an agent may be registered elsewhere too. */
function requireRegistration(entries: readonly unknown[], place: RegistrationPlace): void {
  const registry = accountId(place.chainId, place.identityRegistry)
  const ours = entries
    .map((entry, i) => parseObject(entry, `registrations[${i}]`))
    .filter((entry) => {
      const agentRegistry = entry.get('agentRegistry')
      return typeof agentRegistry === 'string' && agentRegistry.toLowerCase() === registry
    })
  if (ours.length !== 1) throw refused('registrations', `exactly one of ${registry}`, ours.length)
  equal('registrations agentId', ours[0]?.get('agentId'), jsonAgentId(place.agentId))
}

/** ERC-8004 writes agent ids as JSON numbers, which end at 2^53 (attack T3). */
function jsonAgentId(agentId: bigint): number {
  if (agentId > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RegistrationFileError(`agentId: expected at most 2^53 - 1, got ${agentId}`)
  }
  return Number(agentId)
}

/** CAIP-10, lower case. */
function accountId(chainId: number, address: Hex): string {
  return `eip155:${chainId}:${address.toLowerCase()}`
}

function attestationEndpoint(endpoint: string): string {
  return `${endpoint.replace(/\/$/, '')}/${ATTESTATION_PATH}`
}

function list(file: ReadonlyMap<string, unknown>, name: string): readonly unknown[] {
  const value = file.get(name)
  if (!Array.isArray(value) || value.length > MAX_ITEMS) {
    throw refused(name, `a list of at most ${MAX_ITEMS}`, value)
  }
  return value
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) {
    throw refused(name, `a text of at most ${MAX_TEXT} characters`, value)
  }
  return value
}

function flag(file: ReadonlyMap<string, unknown>, name: string): boolean {
  const value = file.get(name)
  if (typeof value !== 'boolean') throw refused(name, 'true or false', value)
  return value
}

function equal(name: string, actual: unknown, expected: string | number): void {
  if (actual !== expected) throw refused(name, String(expected), actual)
}

function isHash(value: string): value is Hex {
  return /^0x[0-9a-f]{64}$/.test(value)
}

function refused(name: string, expected: string, actual: unknown): RegistrationFileError {
  const shown = actual === undefined ? 'nothing' : JSON.stringify(actual).slice(0, 80)
  return new RegistrationFileError(`${name}: expected ${expected}, got ${shown}`)
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
