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
  let start = text.indexOf('{') + 1
  let depth = 0
  const take = (end: number): void => {
    const own = text.slice(start, end).trim()
    const [name] = /^"(?:[^"\\]|\\.)*"/s.exec(own) ?? []
    if (name !== undefined) members.push({ name: unescaped(name), text: own })
    start = end + 1
  }
  for (let at = start; at < text.length; at++) {
    switch (text.charAt(at)) {
      case '"':
        at = endOfString(text, at)
        break
      case '{':
      case '[':
        depth++
        break
      case ',':
        if (depth === 0) take(at)
        break
      case '}':
      case ']':
        if (depth === 0) {
          take(at)
          return members
        }
        depth--
    }
  }
  return members
}

/** Where a string ends that begins here. */
function endOfString(text: string, begin: number): number {
  let at = begin + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function unescaped(name: string): string {
  const value: unknown = name.includes('\\') ? JSON.parse(name) : name.slice(1, -1)
  return String(value)
}
