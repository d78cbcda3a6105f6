import { endOfValue } from '../bytes/json-span.ts'

/** One member of a JSON object's text. */
export interface Member {
  /** Without its escapes: `"\u006dodel"` is `model` to every reader. */
  readonly name: string
  /** Name and value, exactly as they are written. */
  readonly text: string
}

/**
 * The members of a JSON object, each with its own text, so that some can be left out without touching a digit of the
 * others: a parser would round numbers that a node reads exactly.
 * @param text a JSON object; of anything else the answer means nothing
 */
export function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  for (let start = text.indexOf('{') + 1; ;) {
    const end = endOfValue(text, start)
    const own = text.slice(start, end).trim()
    const [name] = /^"(?:[^"\\]|\\.)*"/s.exec(own) ?? []
    if (name !== undefined) members.push({ name: unescaped(name), text: own })
    if (text[end] !== ',') return members
    start = end + 1
  }
}

function unescaped(name: string): string {
  const value: unknown = name.includes('\\') ? JSON.parse(name) : name.slice(1, -1)
  return String(value)
}
