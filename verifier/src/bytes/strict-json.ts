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
  scan(text, options)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new JsonError('syntax', 'not JSON', { cause })
  }
}

/** One pass before JSON.parse, over text that may not be JSON at all. */
function scan(text: string, { maxDepth, integersOnly = false }: StrictJsonOptions): void {
  const objects: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        objects.push(new Set())
        break
      case 0x5b: // [
        objects.push(undefined)
        break
      case 0x7d: // }
      case 0x5d: // ]
        objects.pop()
        break
      case 0x22: // "
        at += readString(text, at, objects.at(-1)) - 1
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
    if (objects.length > maxDepth) throw new JsonError('depth', `deeper than ${maxDepth}`)
  }
}

/** Length of the string at that place; where it names a member, it must be the first of that name. */
function readString(text: string, at: number, members: Set<string> | undefined): number {
  const end = endOfString(text, at)
  if (members === undefined || !isFollowedByColon(text, end)) return end - at
  const literal = text.slice(at, end)
  const name = literal.includes('\\') ? memberName(literal) : literal.slice(1, -1)
  if (members.has(name)) throw new JsonError('duplicate', `member ${name.slice(0, 64)} twice`)
  members.add(name)
  return end - at
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

/** Two spellings of a name are one name. */
function memberName(literal: string): string {
  try {
    return String(JSON.parse(literal))
  } catch (cause) {
    throw new JsonError('syntax', 'not a JSON string', { cause })
  }
}
