import { decodeUtf8 } from '../bytes/bytes.ts'
import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { fromBase64 } from '../bytes/base64.ts'
import { TINFOIL } from '../protocol/dialects/tinfoil-report-data.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asArray, asBareHex, asOneOf, asString, exactObject } from '../protocol/shape.ts'

/** A key of the crypto material. */
export interface TinfoilKey {
  readonly id: string
  readonly format: string
  /** Lowercase hex. */
  readonly data: string
}

/** A Tinfoil attestation document of version 3, read by its own strict rules and not yet judged. */
export interface TinfoilDocument {
  readonly nonce: string
  /** As restated; the quote's own is what counts. */
  readonly reportData: string
  readonly quote: Uint8Array
  readonly cryptoMaterialHash: string
  readonly deviceEvidenceHash: string
  /** Exact decoded bytes of the sections: never written again. */
  readonly cryptoMaterial: Uint8Array
  readonly deviceEvidence: Uint8Array
  readonly keys: readonly TinfoilKey[]
  /** Items of the section of devices, as they came. */
  readonly devices: readonly unknown[]
}

const MAX_CHARACTERS: number = 4 * 1024 * 1024
const MAX_DEPTH = 24
const MAX_ITEMS = 64

/** Reads the answer of `GET /.well-known/tinfoil-attestation` (Tinfoil v3, parsing rules). @throws ProtocolError */
export function parseTinfoilDocument(text: string): TinfoilDocument {
  const place = 'document'
  const document = exactObject(strict(text, place), place, [
    'format',
    'challenge',
    'cpu_evidence',
    'crypto_material',
    'device_evidence',
    'collateral',
  ])
  asOneOf(document['format'], `${place}.format`, [TINFOIL.document])
  const challenge = exactObject(document['challenge'], 'challenge', [
    'nonce',
    'report_data',
    'report_data_algorithm',
  ])
  asOneOf(challenge['report_data_algorithm'], 'challenge.report_data_algorithm', [
    TINFOIL.reportData,
  ])
  const cpu = exactObject(document['cpu_evidence'], 'cpu_evidence', [
    'format',
    'report_base64',
    'endorsed',
  ])
  asOneOf(cpu['format'], 'cpu_evidence.format', [TINFOIL.tdxQuote])
  const endorsed = exactObject(cpu['endorsed'], 'cpu_evidence.endorsed', [
    'crypto_material_hash',
    'device_evidence_hash',
  ])
  asArray(document['collateral'], 'collateral', MAX_ITEMS)
  const bytesOf = (value: unknown, where: string): Uint8Array<ArrayBuffer> =>
    fromBase64(asString(value, where, MAX_CHARACTERS), where)
  const cryptoMaterial = bytesOf(document['crypto_material'], 'crypto_material')
  const deviceEvidence = bytesOf(document['device_evidence'], 'device_evidence')
  return {
    nonce: asBareHex(challenge['nonce'], 'challenge.nonce', 32),
    reportData: asBareHex(challenge['report_data'], 'challenge.report_data', 64),
    quote: bytesOf(cpu['report_base64'], 'cpu_evidence.report_base64'),
    cryptoMaterialHash: asBareHex(endorsed['crypto_material_hash'], 'crypto_material_hash', 32),
    deviceEvidenceHash: asBareHex(endorsed['device_evidence_hash'], 'device_evidence_hash', 32),
    cryptoMaterial,
    deviceEvidence,
    keys: readKeys(cryptoMaterial),
    devices: itemsOf(deviceEvidence, 'device_evidence', TINFOIL.deviceEvidence),
  }
}

function readKeys(section: Uint8Array): readonly TinfoilKey[] {
  const place = 'crypto_material'
  const keys = itemsOf(section, place, TINFOIL.cryptoMaterial).map((item) => {
    const key = exactObject(item, `${place}.items[]`, ['id', 'format', 'data'])
    const format = asString(key['format'], `${place}.items[].format`, 256)
    const isKnown = format === TINFOIL.spkiKey || format === TINFOIL.hpkeKey
    const data = asString(key['data'], `${place}.items[].data`, 8192)
    if (!/^([0-9a-f]{2})+$/.test(data) || (isKnown && data.length !== 64)) {
      throw new ProtocolError('INPUT_FIELD', `${place}.items[].data: not a key of its format`)
    }
    return { id: asString(key['id'], `${place}.items[].id`, 128), format, data }
  })
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) {
    throw new ProtocolError('INPUT_FIELD', `${place}.items: an id twice`)
  }
  return keys
}

function itemsOf(section: Uint8Array, place: string, format: string): readonly unknown[] {
  const document = exactObject(strict(decodeUtf8(section, place), place), place, [
    'format',
    'items',
  ])
  asOneOf(document['format'], `${place}.format`, [format])
  return asArray(document['items'], `${place}.items`, MAX_ITEMS)
}

function strict(text: string, place: string): unknown {
  if (text.length > MAX_CHARACTERS) {
    throw new ProtocolError('INPUT_TOO_LARGE', `${place}: more than ${MAX_CHARACTERS} characters`)
  }
  try {
    return parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new ProtocolError('INPUT_JSON', `${place}: ${error.reason}`)
  }
}
