import { createForge, type Bundle, type Forge, type Forged } from '@jeju/simulator/forge'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { CASE_AREAS } from './cases/all.ts'
import { FORGE_SEED, FORGE_TIME, type ForgeCase } from './forge-case.ts'
import type { BundleRecord, CaseRecord, PartId } from './vector-file.ts'

/** The two files of the vectors as texts, the second one not yet packed. */
export interface WrittenVectors {
  readonly cases: string
  readonly parts: string
}

const PART_ID_DIGITS = 12

/** Texts by their hash, each once. */
class PartStore {
  readonly #parts = new Map<PartId, string>()

  put(text: string): PartId {
    const id = toBareHex(sha256(utf8(text))).slice(0, PART_ID_DIGITS)
    const known = this.#parts.get(id)
    if (known !== undefined && known !== text) throw new Error(`two parts are called ${id}`)
    this.#parts.set(id, text)
    return id
  }

  /** One part a line. */
  text(): string {
    const lines = [...this.#parts].map(
      ([id, text]) => `${JSON.stringify(id)}:${JSON.stringify(text)}`,
    )
    return `{\n${lines.join(',\n')}\n}\n`
  }
}

/** Makes every case. The same source gives the same text. */
export async function writeVectors(): Promise<WrittenVectors> {
  const forge = await createForge(FORGE_SEED, FORGE_TIME)
  const usual = forge.make({})
  const parts = new PartStore()
  const members = Object.entries(usual.bundle) as [string, string][]
  const base = {
    root: parts.put(toBareHex(usual.rootCertificateDer)),
    quote: parts.put(toBareHex(usual.quote)),
    bundle: Object.fromEntries(members.map(([member, text]) => [member, parts.put(text)])),
  }
  const records = CASE_AREAS.flatMap(({ area, cases }) =>
    cases.map((forged) => recordOf(forged, area, { forge, usual, parts })),
  )
  const ids = new Set(records.map(({ id }) => id))
  if (ids.size !== records.length) throw new Error('two cases have the same id')
  const head = `"seed":${JSON.stringify(FORGE_SEED)},\n"at":${JSON.stringify(timeText(FORGE_TIME))}`
  const lines = records.map((record) => JSON.stringify(record)).join(',\n')
  const cases = `{\n${head},\n"base":${JSON.stringify(base)},\n"cases":[\n${lines}\n]\n}\n`
  return { cases, parts: parts.text() }
}

interface Workshop {
  readonly forge: Forge
  readonly usual: Forged
  readonly parts: PartStore
}

function recordOf(forgeCase: ForgeCase, area: string, workshop: Workshop): CaseRecord {
  const { id, why, forgery, at, anchor, expect } = forgeCase
  const { forge, usual, parts } = workshop
  const forged = forge.make(forgery)
  const bundle = forgeCase.bundle ? forgeCase.bundle(forged.bundle, forge) : forged.bundle
  const quote = toBareHex(forged.quote)
  const root = toBareHex((anchor === 'usual' ? usual : forged).rootCertificateDer)
  const changed = bundleRecord(bundle, usual.bundle, parts)
  return {
    id,
    area,
    why,
    ...(at !== undefined && { at: typeof at === 'number' ? numberText(at) : timeText(at) }),
    ...(root !== toBareHex(usual.rootCertificateDer) && { root: parts.put(root) }),
    ...(quote !== toBareHex(usual.quote) && { quote: parts.put(quote) }),
    ...(Object.keys(changed).length > 0 && { bundle: changed }),
    expect,
  }
}

function bundleRecord(bundle: unknown, usual: Bundle, parts: PartStore): BundleRecord {
  if (typeof bundle === 'string') return { text: parts.put(bundle) }
  if (typeof bundle !== 'object' || bundle === null || Array.isArray(bundle)) {
    return { value: bundle }
  }
  const before = new Map<string, unknown>(Object.entries(usual))
  const replaced: Record<string, PartId> = {}
  const values: Record<string, unknown> = {}
  for (const [member, value] of Object.entries(bundle)) {
    if (before.get(member) === value) continue
    if (typeof value === 'string' && value.isWellFormed()) replaced[member] = parts.put(value)
    else values[member] = value
  }
  const missing = [...before.keys()].filter((member) => !Object.hasOwn(bundle, member))
  return {
    ...(Object.keys(replaced).length > 0 && { replaced }),
    ...(Object.keys(values).length > 0 && { values }),
    ...(missing.length > 0 && { missing }),
  }
}

function timeText(at: Date): string {
  return at.toISOString().replace('.000Z', 'Z')
}

function numberText(milliseconds: number): number | string {
  return Number.isNaN(milliseconds) ? 'NaN' : milliseconds
}
