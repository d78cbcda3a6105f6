/** Place of the comma or bracket behind a value that begins here, in text that is known to be JSON. */
export function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    switch (json.charAt(at)) {
      case '"':
        at = endOfString(json, at)
        break
      case '{':
      case '[':
        depth++
        break
      case ',':
        if (depth === 0) return at
        break
      case '}':
      case ']':
        if (depth === 0) return at
        depth--
        break
    }
  }
  return json.length
}

/** Place of the closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
