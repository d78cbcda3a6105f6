const BLOCK = 512
const REGULAR = ['0', '\0']

/** A regular file of a tar archive (ustar, also with GNU long names); its path may begin with `./` there. */
export function memberOfTar(tar: Uint8Array, path: string): Uint8Array | undefined {
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(tar.subarray(at, at + length)).replace(/\0.*$/s, '')
  let longName: string | undefined
  for (let at = 0; at + BLOCK <= tar.length;) {
    const name = text(at, 100)
    if (name === '') break
    const size = Number.parseInt(text(at + 124, 12).trim(), 8)
    const type = String.fromCharCode(tar[at + 156] ?? 0)
    const body = at + BLOCK
    at = body + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L') {
      longName = text(body, size)
      continue
    }
    const prefix = text(body - BLOCK + 345, 155)
    const full = longName ?? (prefix === '' ? name : `${prefix}/${name}`)
    longName = undefined
    if (REGULAR.includes(type) && full.replace(/^\.\//, '') === path) {
      return tar.subarray(body, body + size)
    }
  }
  return undefined
}
