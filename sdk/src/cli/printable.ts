/** Controls and marks that draw nothing, move the cursor or turn the text; a line break stays. */
const UNPRINTABLE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu

/** Model names, endpoints and reverts are written by strangers: what could repaint the screen is spelt out. */
export function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
