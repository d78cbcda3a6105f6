/** Controls and marks that draw nothing, move the cursor or turn the text; a line break stays. */
const UNPRINTABLE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu

/** Model names, endpoints and reverts are written by strangers: what could repaint the screen is spelt out. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, spelt)
}

/** What a stranger wrote stays inside its line: a break in it would begin a line that nobody has printed. */
export function oneLine(text: string): string {
  return text.replaceAll('\n', spelt)
}

/** The same JSON without any character that {@link printable} would spell out: in JSON's own way, so that it stays JSON. */
export function printableJson(json: string): string {
  return json.replaceAll(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at).toString(16)
      return `\\u${unit.padStart(4, '0')}`
    }).join(''),
  )
}

function spelt(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
