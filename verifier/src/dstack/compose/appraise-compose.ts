import { decodeUtf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toHex, type Hex } from '../../bytes/hex.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../../report/check.ts'
import { matchTemplate, MAX_APP_COMPOSE_BYTES, type ComposeTemplate } from './template.ts'

/** Which app-compose files a relying party accepts. Two empty lists accept nothing (attack A5). */
export interface ComposeRules {
  /** SHA-256 of whole files that somebody has read. */
  readonly composeHashes: readonly Hex[]
  /** Whole files in which named places may differ. */
  readonly composeTemplates: readonly ComposeTemplate[]
}

/** How an app-compose file was judged. */
export type ComposeAppraisal =
  | { readonly outcome: 'exact'; readonly composeHash: Hex }
  | {
      readonly outcome: 'template'
      readonly composeHash: Hex
      readonly template: string
      /** What stands in the holes. */
      readonly values: Readonly<Record<string, string>>
    }
  | {
      readonly outcome: 'refused'
      readonly composeHash: Hex
      readonly expected: string
      readonly actual: string
    }

/**
 * Judges the bytes of an app-compose file: a listed hash, or a template that the whole file fits. Nothing is parsed, so
 * that nothing can hide from a parser (attacks A6 and A7).
 */
export function appraiseCompose(appCompose: Uint8Array, rules: ComposeRules): ComposeAppraisal {
  const composeHash = toHex(sha256(appCompose))
  if (rules.composeHashes.includes(composeHash)) return { outcome: 'exact', composeHash }
  const text = textOf(appCompose)
  if (text === undefined) {
    return { outcome: 'refused', composeHash, expected: 'a text in UTF-8', actual: 'none' }
  }
  let nearest: { at: number; expected: string; actual: string } | undefined
  for (const template of rules.composeTemplates) {
    const match = matchTemplate(template, text)
    if ('values' in match) {
      return { outcome: 'template', composeHash, template: template.name, values: match.values }
    }
    if (nearest === undefined || match.at > nearest.at) {
      const expected = `template ${template.name} at ${match.at}: ${match.expected}`
      nearest = { at: match.at, expected, actual: match.actual }
    }
  }
  const { expected, actual } = nearest ?? {
    expected: `one of ${rules.composeHashes.length} listed hashes`,
    actual: composeHash,
  }
  return { outcome: 'refused', composeHash, expected, actual }
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_APP_COMPOSE_BYTES) return undefined
  try {
    return decodeUtf8(bytes)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return undefined
  }
}

/** `compose-allowed`: the policy accepts the app-compose file. Whether it is the measured one is `compose-hash`. */
export function checkComposeRules(
  appCompose: Uint8Array,
  rules: ComposeRules,
): Check<'compose-allowed'> {
  const name = 'compose-allowed'
  const appraisal = appraiseCompose(appCompose, rules)
  return appraisal.outcome === 'refused'
    ? failed(name, appraisal.expected, appraisal.actual)
    : passed(name, { ...appraisal })
}
