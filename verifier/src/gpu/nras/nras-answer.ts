import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { CheckFailure } from '../../report/check-failure.ts'

/** A detached EAT bundle as the service answers (RFC 9711 §5): one token about the whole, one about each device. */
export interface NrasAnswer {
  readonly overall: string
  /** Tokens by submodule name. */
  readonly submodules: ReadonlyMap<string, string>
}

const MAX_ANSWER_CHARACTERS: number = 512 * 1024
const MAX_SUBMODULES = 64
const MAX_DEPTH = 8
const COMPACT_JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const SUBMODULE_NAME = /^(GPU|SWITCH)-\d{1,3}$/

/** Reads `[["JWT", token], {"GPU-0": token, …}]`; another shape, or a member twice, is refused. @throws CheckFailure */
export function parseNrasAnswer(text: string): NrasAnswer {
  if (text.length > MAX_ANSWER_CHARACTERS) {
    throw invalid(`at most ${MAX_ANSWER_CHARACTERS} characters`, String(text.length))
  }
  const [jwt, members, ...rest] = asList(parseJson(text))
  const [label, overall, ...more] = asList(jwt)
  if (label !== 'JWT' || rest.length > 0 || more.length > 0) {
    throw invalid('["JWT", token] and an object of tokens', 'another shape')
  }
  if (typeof members !== 'object' || members === null || Array.isArray(members)) {
    throw invalid('an object of tokens', 'none')
  }
  const submodules = new Map<string, string>()
  for (const [name, token] of Object.entries(members)) {
    if (!SUBMODULE_NAME.test(name)) throw invalid('GPU-n or SWITCH-n', name.slice(0, 32))
    submodules.set(name, asToken(token))
  }
  if (submodules.size === 0 || submodules.size > MAX_SUBMODULES) {
    throw invalid(`1 to ${MAX_SUBMODULES} submodules`, String(submodules.size))
  }
  return { overall: asToken(overall), submodules }
}

function parseJson(text: string): unknown {
  try {
    return parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw invalid('JSON', error.message)
  }
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid('an array', typeof value)
  return value
}

function asToken(value: unknown): string {
  if (typeof value !== 'string' || !COMPACT_JWT.test(value)) throw invalid('a compact JWT', 'none')
  return value
}

function invalid(expected: string, actual: string): CheckFailure {
  return new CheckFailure('NRAS_TOKEN_INVALID', `NRAS answer: ${expected}`, actual)
}
