const STRING = /"(?:[^"\\]|\\.)*"/y
const COLON = /\s*:/y

/**
 * Throws a SyntaxError when an object of this (valid) JSON text has a member twice. JSON.parse keeps the last one
 * silently, so a reader and this program could see two policies in one file (attack E19).
 */
export function assertNoDoubledMember(json: string): void {
  const objects: (Set<string> | undefined)[] = []
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{') objects.push(new Set())
    else if (character === '[') objects.push(undefined)
    else if (character === '}' || character === ']') objects.pop()
    else if (character === '"') {
      STRING.lastIndex = at
      const [text = ''] = STRING.exec(json) ?? []
      at += text.length - 1
      COLON.lastIndex = at + 1
      if (!COLON.test(json)) continue
      const name = String(JSON.parse(text))
      const members = objects.at(-1)
      if (members?.has(name) === true) throw new SyntaxError(`policy: member ${name} twice`)
      members?.add(name)
    }
  }
}
