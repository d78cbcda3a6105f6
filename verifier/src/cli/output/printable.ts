/** Controls, directional marks and other characters that draw nothing or move the cursor. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A text of whatever origin as it may go to a terminal: what could repaint the screen is written as `\u{…}`. */
export function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
