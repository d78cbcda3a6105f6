import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { fromBareHex } from '@jeju/verifier/protocol'
import type { CaseInputs } from './judge-case.ts'
import type { BundleRecord, CaseFile, CaseRecord, PartId, Parts } from './vector-file.ts'

/** Where the vectors are kept. */
export const VECTOR_FOLDER: string = fileURLToPath(new URL('../../vectors/tdx/', import.meta.url))

/** The two files as texts, unpacked. */
export function storedTexts(): { readonly cases: string; readonly parts: string } {
  return {
    cases: readFileSync(join(VECTOR_FOLDER, 'cases.json'), 'utf8'),
    parts: gunzipSync(readFileSync(join(VECTOR_FOLDER, 'parts.json.gz'))).toString('utf8'),
  }
}

/** A stored case, with the arguments of its verification. */
export interface StoredCase extends CaseRecord {
  inputs(): CaseInputs
}

/** Every stored case. */
export function storedCases(): readonly StoredCase[] {
  const texts = storedTexts()
  const file = JSON.parse(texts.cases) as CaseFile
  const parts = JSON.parse(texts.parts) as Parts
  return file.cases.map((record) => ({ ...record, inputs: () => inputsOf(record, file, parts) }))
}

function inputsOf(record: CaseRecord, file: CaseFile, parts: Parts): CaseInputs {
  const { at = file.at, root = file.base.root, quote = file.base.quote, bundle = {} } = record
  return {
    quote: fromBareHex(partOf(parts, quote)),
    bundle: bundleOf(bundle, file, parts),
    rootCertificateDer: fromBareHex(partOf(parts, root)),
    at: new Date(at === 'NaN' ? Number.NaN : at),
  }
}

function bundleOf(record: BundleRecord, { base }: CaseFile, parts: Parts): unknown {
  if ('text' in record) return partOf(parts, record.text)
  if ('value' in record) return record.value
  const { replaced = {}, values = {}, missing = [] } = record
  const texts = Object.entries({ ...base.bundle, ...replaced })
    .filter(([member]) => !missing.includes(member))
    .map(([member, id]) => [member, partOf(parts, id)] as const)
  return { ...Object.fromEntries(texts), ...values }
}

function partOf(parts: Parts, id: PartId): string {
  const part = parts[id]
  if (part === undefined) throw new Error(`there is no part ${id}`)
  return part
}
