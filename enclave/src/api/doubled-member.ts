const COLON = /\s*:/y

/**
 * Name of a member that an object of this (valid) JSON text has twice. JSON.parse keeps the last one silently, and
 * another reader of the signed bytes may keep the first (attack E19).
 */
export function doubledMember(json: string): string | undefined {
  /** Names of the objects around the place reached; undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{') open.push(new Set())
    else if (character === '[') open.push(undefined)
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const start = at
      at = endOfString(json, start)
      COLON.lastIndex = at + 1
      if (!COLON.test(json)) continue
      const name = String(JSON.parse(json.slice(start, at + 1)))
      if (open.at(-1)?.has(name) === true) return name
      open.at(-1)?.add(name)
    }
  }
  return undefined
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
