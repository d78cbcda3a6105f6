import { toHex, type Hex } from '../bytes/hex.ts'
import { CborMap } from './cbor-map.ts'
import { decodeCbor, encodeCbor, type CborValue } from './deterministic-cbor.ts'
import { NODE_STATEMENT_TYPE, type NodeStatement } from './node-statement.ts'
import { abiWord } from './eip712.ts'
import { ProtocolError } from './protocol-error.ts'

/** Media type of an encoded bundle. */
export const EVIDENCE_MEDIA_TYPE = 'application/jeju-evidence+cbor'

/** Largest bundle anybody needs to read. */
export const MAX_EVIDENCE_BYTES: number = 2 * 1024 * 1024

/** Custody of the EVM signer: the KMS signature chain as the guest agent returned it (dstack `GetKey`). */
export interface KmsChain {
  readonly algorithm: string
  readonly keyApi: 'v0' | 'v1'
  readonly path: string
  readonly purpose: string
  /** Compressed secp256k1 point, 33 bytes. */
  readonly publicKey: Uint8Array
  /** Two links of 65 bytes: app key over key, KMS root over app key. */
  readonly signatures: readonly [Uint8Array, Uint8Array]
}

/** Everything a verifier needs, offline (docs/protocol.md §3). Foreign texts are kept exactly as they were served. */
export interface EvidenceBundle {
  readonly statement: NodeStatement
  readonly quote: Uint8Array
  readonly eventLog: string
  readonly appCompose: Uint8Array
  readonly vmConfig: string
  readonly kmsChain: KmsChain
  readonly keyset: string
  readonly catalog: string
  readonly posture: string
  /** Absent on a CPU-only node. */
  readonly gpuEvidence?: Uint8Array
  /** dcap-qvl JSON bundle. */
  readonly collateral?: string
}

/** Encodes a bundle as deterministic CBOR. */
export function encodeEvidence(bundle: EvidenceBundle): Uint8Array<ArrayBuffer> {
  const map = new Map<string, CborValue>([
    ['v', 1],
    ['statement', encodeStatement(bundle.statement)],
    ['quote', bundle.quote],
    ['eventLog', bundle.eventLog],
    ['appCompose', bundle.appCompose],
    ['vmConfig', bundle.vmConfig],
    ['kmsChain', encodeKmsChain(bundle.kmsChain)],
    ['keyset', bundle.keyset],
    ['catalog', bundle.catalog],
    ['posture', bundle.posture],
  ])
  if (bundle.gpuEvidence !== undefined) map.set('gpuEvidence', bundle.gpuEvidence)
  if (bundle.collateral !== undefined) map.set('collateral', bundle.collateral)
  const bytes = encodeCbor(map)
  checkSize(bytes)
  return bytes
}

/** Reads a bundle. Throws `INPUT_TOO_LARGE`, `INPUT_CBOR` or `INPUT_FIELD`. */
export function decodeEvidence(bytes: Uint8Array): EvidenceBundle {
  checkSize(bytes)
  const map = new CborMap(decodeCbor(bytes, 'evidence'), 'evidence')
  map.only(
    ['v', 'statement', 'quote', 'eventLog', 'appCompose', 'vmConfig'],
    ['kmsChain', 'keyset', 'catalog', 'posture', 'gpuEvidence', 'collateral'],
  )
  map.constant('v', 1)
  return {
    statement: decodeStatement(map.map('statement')),
    quote: map.bytes('quote'),
    eventLog: map.text('eventLog'),
    appCompose: map.bytes('appCompose'),
    vmConfig: map.text('vmConfig'),
    kmsChain: decodeKmsChain(map.map('kmsChain')),
    keyset: map.text('keyset'),
    catalog: map.text('catalog'),
    posture: map.text('posture'),
    ...(map.has('gpuEvidence') ? { gpuEvidence: map.bytes('gpuEvidence') } : {}),
    ...(map.has('collateral') ? { collateral: map.text('collateral') } : {}),
  }
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_EVIDENCE_BYTES) {
    throw new ProtocolError(
      'INPUT_TOO_LARGE',
      `evidence: expected at most ${MAX_EVIDENCE_BYTES} bytes, got ${bytes.length}`,
    )
  }
}

function encodeStatement(statement: NodeStatement): CborValue {
  return new Map(
    NODE_STATEMENT_TYPE.members.map(([name, type]): [string, CborValue] => {
      const word = abiWord(type, statement[name], `statement.${name}`)
      return [name, type === 'address' ? word.slice(12) : word]
    }),
  )
}

function decodeStatement(map: CborMap): NodeStatement {
  map.only(NODE_STATEMENT_TYPE.members.map(([name]) => name))
  const digest = (name: string): Hex => toHex(map.bytes(name, 32))
  return {
    agentId: BigInt(digest('agentId')),
    operator: toHex(map.bytes('operator', 20)),
    signer: toHex(map.bytes('signer', 20)),
    keysetDigest: digest('keysetDigest'),
    modelCatalogDigest: digest('modelCatalogDigest'),
    postureDigest: digest('postureDigest'),
    gpuDevicesDigest: digest('gpuDevicesDigest'),
    instanceId: digest('instanceId'),
  }
}

function encodeKmsChain(chain: KmsChain): CborValue {
  return new Map<string, CborValue>([
    ['algorithm', chain.algorithm],
    ['keyApi', chain.keyApi],
    ['path', chain.path],
    ['purpose', chain.purpose],
    ['publicKey', chain.publicKey],
    ['signatures', chain.signatures],
  ])
}

function decodeKmsChain(map: CborMap): KmsChain {
  map.only(['algorithm', 'keyApi', 'path', 'purpose', 'publicKey', 'signatures'])
  const keyApi = map.text('keyApi')
  if (keyApi !== 'v0' && keyApi !== 'v1') {
    throw new ProtocolError('INPUT_FIELD', 'evidence.kmsChain.keyApi: expected v0 or v1')
  }
  return {
    algorithm: map.text('algorithm'),
    keyApi,
    path: map.text('path'),
    purpose: map.text('purpose'),
    publicKey: map.bytes('publicKey', 33),
    signatures: map.bytesPair('signatures', 65),
  }
}
