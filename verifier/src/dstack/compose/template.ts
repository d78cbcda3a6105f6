import { ProtocolError } from '../../protocol/protocol-error.ts'
import { asString, exactObject } from '../../protocol/shape.ts'
import { fits, inAlphabet, parseHoleShape, type HoleShape } from './hole-shape.ts'

/** A hole of a template and the text behind it, up to the next hole. */
interface Hole {
  readonly name: string
  readonly shape: HoleShape
  readonly behind: string
}

/** A whole app-compose text in which only named places may differ. */
export interface ComposeTemplate {
  readonly name: string
  /** Text before the first hole. */
  readonly start: string
  readonly holes: readonly Hole[]
}

/** What a text puts into the holes, or the first place at which it is not the template's. */
export type TemplateMatch =
  | { readonly values: Readonly<Record<string, string>> }
  | { readonly at: number; readonly expected: string; readonly actual: string }

/** Largest app-compose file read, as in dstack 0.5. */
export const MAX_APP_COMPOSE_BYTES: number = 256 * 1024
const MAX_HOLES = 64
const MAX_NAME_LENGTH = 64
const MAX_SHOWN = 40
const HOLE = /\{\{([A-Z][A-Z0-9_]*)\}\}/

/**
 * Reads a template of a policy: `{"name","text","holes":{NAME:shape}}`, with `{{NAME}}` in the text. Where a hole ends
 * must be certain: no second one follows it directly, and no character of its own alphabet. A digest of an image is
 * free in no template, since then any code would be accepted (attack A6).
 * @throws ProtocolError `INPUT_FIELD`
 */
export function parseComposeTemplate(value: unknown, place: string): ComposeTemplate {
  const object = exactObject(value, place, ['name', 'text', 'holes'])
  const name = asString(object['name'], `${place}.name`, MAX_NAME_LENGTH)
  const text = asString(object['text'], `${place}.text`, MAX_APP_COMPOSE_BYTES)
  const shapes = readShapes(object['holes'], `${place}.holes`)
  // Splitting by a pattern with a group yields text and hole names in turn.
  const [start = '', ...rest] = text.split(new RegExp(HOLE, 'g'))
  const holes: Hole[] = []
  for (let index = 0; index < rest.length; index += 2) {
    const [hole = '', behind = ''] = rest.slice(index, index + 2)
    const shape = shapes.get(hole)
    if (shape === undefined) throw wrong(place, `hole ${hole} has no shape`)
    const before = holes.at(-1)?.behind ?? start
    if (holes.length > 0 && before === '') throw wrong(place, `hole ${hole} follows another`)
    if (inAlphabet(shape, behind.charAt(0))) throw wrong(place, `hole ${hole} has no certain end`)
    if (before.endsWith('@sha256:') && shape.kind !== 'one-of') {
      throw wrong(place, `hole ${hole} leaves the digest of an image free`)
    }
    holes.push({ name: hole, shape, behind })
  }
  const used = new Set(holes.map((hole) => hole.name))
  for (const declared of shapes.keys()) {
    if (!used.has(declared)) throw wrong(place, `hole ${declared} does not stand in the text`)
  }
  return { name, start, holes }
}

function readShapes(value: unknown, place: string): ReadonlyMap<string, HoleShape> {
  const members = typeof value === 'object' && value !== null ? Object.keys(value) : []
  if (members.length > MAX_HOLES) throw wrong(place, `more than ${MAX_HOLES} holes`)
  const object = exactObject(value, place, members)
  return new Map(members.map((name) => [name, parseHoleShape(object[name], `${place}.${name}`)]))
}

function wrong(place: string, what: string): ProtocolError {
  return new ProtocolError('INPUT_FIELD', `${place}: ${what}`)
}

/**
 * Compares a text with a template, character by character. A hole that stands twice must be filled with the same.
 */
export function matchTemplate({ start, holes }: ComposeTemplate, text: string): TemplateMatch {
  const values = new Map<string, string>()
  let at = 0
  const literal = differs(text, at, start)
  if (literal !== undefined) return literal
  at += start.length
  for (const { name, shape, behind } of holes) {
    let end = at
    while (end < text.length && inAlphabet(shape, text.charAt(end))) end++
    const filled = text.slice(at, end)
    const before = values.get(name) ?? filled
    if (!fits(shape, filled) || filled !== before) {
      return {
        at,
        expected: filled === before ? `${name}: ${shape.kind}` : before,
        actual: shown(filled),
      }
    }
    values.set(name, filled)
    const other = differs(text, end, behind)
    if (other !== undefined) return other
    at = end + behind.length
  }
  return at === text.length
    ? { values: Object.fromEntries(values) }
    : { at, expected: 'the end', actual: shown(text.slice(at)) }
}

/** The first difference between a text, from `at` on, and what must stand there. */
function differs(text: string, at: number, literal: string): TemplateMatch | undefined {
  if (text.startsWith(literal, at)) return undefined
  let index = 0
  while (index < literal.length && text[at + index] === literal[index]) index++
  return {
    at: at + index,
    expected: shown(literal.slice(index)),
    actual: shown(text.slice(at + index)),
  }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN))
}
