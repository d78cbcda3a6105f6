/** JSON that two readers could understand differently, or that is no JSON. */
export class JsonError extends SyntaxError {
  override readonly name = 'JsonError'
  readonly reason: 'syntax' | 'duplicate' | 'depth' | 'number'

  constructor(reason: JsonError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Limits of {@link parseStrictJson}. */
export interface StrictJsonOptions {
  /** Deepest nesting of objects and arrays. */
  readonly maxDepth: number
  /** Refuse fractions and exponents: `1.0` is not `1` to every reader. */
  readonly integersOnly?: boolean
}

/**
 * JSON.parse, without what it forgives: a doubled member, of which it keeps the last silently so that a reader and
 * this program could see two documents in one text (attack E19), and any depth of nesting.
 * @throws JsonError
 */
export function parseStrictJson(text: string, options: StrictJsonOptions): unknown {
  const written = scan(text, options)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new JsonError('syntax', 'not JSON', { cause })
  }
  // Each member that was written is there, unless a later one of its name replaced it.
  if (written !== countMembers(value)) {
    throw new JsonError('duplicate', `member ${firstDouble(text)} twice`)
  }
  return value
}

/** One pass before JSON.parse, over text that may not be JSON at all. Gives how many members it writes. */
function scan(text: string, { maxDepth, integersOnly = false }: StrictJsonOptions): number {
  let depth = 0
  let members = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        depth++
        if (depth > maxDepth) throw new JsonError('depth', `deeper than ${maxDepth}`)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
      case 0x22: // "
        at = endOfString(text, at) - 1
        if (isFollowedByColon(text, at + 1)) members++
        break
      case 0x2e: // .
        if (integersOnly) throw new JsonError('number', 'a number that is no integer')
        break
      case 0x45: // E
      case 0x65: // e
        if (integersOnly && /[0-9]/.test(text[at - 1] ?? '')) {
          throw new JsonError('number', 'a number with an exponent')
        }
        break
    }
  }
  return members
}

/** Members of all objects of a parsed value, which is no deeper than the scan allowed. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let count = Array.isArray(value) ? 0 : items.length
  for (const item of items) {
    if (typeof item === 'object') count += countMembers(item)
  }
  return count
}

/** The first member of JSON that stands twice in its object. */
function firstDouble(text: string): string {
  const objects: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // An array has no members of its own, and a set that stays empty.
    if (code === 0x7b || code === 0x5b) objects.push(new Set())
    else if (code === 0x7d || code === 0x5d) objects.pop()
    else if (code === 0x22) {
      const end = endOfString(text, at)
      if (isFollowedByColon(text, end)) {
        // Two spellings of a name are one name.
        const name = String(JSON.parse(text.slice(at, end)))
        if (objects.at(-1)?.has(name) === true) return name.slice(0, 64)
        objects.at(-1)?.add(name)
      }
      at = end - 1
    }
  }
  return 'of some name'
}

/** Behind the closing quote of the string that opens at that place. */
function endOfString(text: string, at: number): number {
  let quote = at
  do {
    quote = text.indexOf('"', quote + 1)
    if (quote === -1) throw new JsonError('syntax', 'a string without end')
  } while (isEscaped(text, quote))
  return quote + 1
}

/** Behind an odd number of backslashes. The opening quote ends the count. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === 0x5c) before--
  return (at - 1 - before) % 2 === 1
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from
  for (;;) {
    switch (text.charCodeAt(at)) {
      case 0x20: // space, tab, line feed, carriage return: white space of JSON
      case 0x09:
      case 0x0a:
      case 0x0d:
        at++
        break
      default:
        return text.charCodeAt(at) === 0x3a // :
    }
  }
}
