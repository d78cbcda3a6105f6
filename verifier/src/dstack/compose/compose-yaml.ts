import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { composeInvalid } from './app-compose.ts'

/** The YAML that is read: maps with text keys, lists, text, numbers, booleans, null. */
export type YamlValue =
  string | number | boolean | null | readonly YamlValue[] | ReadonlyMap<string, YamlValue>

const MAX_DEPTH = 16
/** Control characters, and line ends of YAML 1.1 or 1.2 only: readers differ about where a line ends. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const REFUSED_CHARACTERS =
  /[^\n\t -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u
/** Plain scalars that YAML 1.1 or compose's own reader takes for something else than YAML 1.2 does. */
const TWO_READINGS = [
  /^(?:y|yes|n|no|on|off)$/i,
  /^[-+]?0[0-9_]+$/,
  /^[-+]?0[bo]/i,
  /^[-+]?[0-9][0-9_]*_[0-9_]*$/,
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
  /^[-+]?[0-9]+e[-+]?[0-9]+$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}/,
  /^(?:<<|=)$/,
]

/**
 * Reads the docker compose text, narrowed to what all readers understand alike: one document without directives,
 * anchors, aliases, merge keys, tags or doubled keys.
 * @throws VerifierError `COMPOSE_INVALID`
 */
export function parseComposeYaml(text: string): YamlValue {
  const [refused] = REFUSED_CHARACTERS.exec(text) ?? []
  if (refused !== undefined) {
    throw composeInvalid(`docker_compose_file: character U+${refused.codePointAt(0)?.toString(16)}`)
  }
  if (/^(?:%|---|\.\.\.)/m.test(text)) throw refusal('a directive or a second document')
  const document = parsed(text)
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) throw refusal(problem.message)
  return plain(document.contents, 0)
}

function parsed(text: string): Document.Parsed {
  try {
    return parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      logLevel: 'error',
      prettyErrors: false,
      // Done below: the library compares each key with each.
      uniqueKeys: false,
    })
  } catch (cause) {
    // Deep nesting exhausts the stack of the library.
    throw refusal('not YAML', cause)
  }
}

function plain(node: unknown, depth: number): YamlValue {
  if (depth > MAX_DEPTH) throw refusal(`deeper than ${MAX_DEPTH}`)
  if (node === null || node === undefined) return null
  if (isAlias(node)) throw refusal('an alias')
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) throw refusal('an unknown node')
  if (node.anchor !== undefined) throw refusal('an anchor')
  if (node.tag !== undefined) throw refusal('a tag')
  if (isScalar(node)) return scalar(node)
  return isMap(node) ? map(node, depth) : node.items.map((item) => plain(item, depth + 1))
}

function map(node: YAMLMap, depth: number): YamlValue {
  const members = new Map<string, YamlValue>()
  for (const pair of node.items) {
    if (!isPair(pair)) throw refusal('an unknown member')
    const key = plain(pair.key, depth + 1)
    if (typeof key !== 'string') throw refusal('a key that is no text')
    // Some readers merge behind a quoted key too.
    if (key === '<<') throw refusal('a merge key')
    if (members.has(key)) throw refusal(`key ${key.slice(0, 64)} twice`)
    members.set(key, plain(pair.value, depth + 1))
  }
  return members
}

function scalar({ value, source, type }: Scalar): YamlValue {
  if (type === 'PLAIN' && TWO_READINGS.some((pattern) => pattern.test(source ?? ''))) {
    throw refusal(`${source} without quotes has two readings`)
  }
  if (typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean' || value === null) return value
  throw refusal('an unknown scalar')
}

function refusal(what: string, cause?: unknown): Error {
  return composeInvalid(`docker_compose_file: ${what}`, cause)
}
