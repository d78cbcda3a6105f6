const MAX_QUOTED_CHARACTERS = 64

/** A text of a peer as it may stand in a report: in quotes, escaped, and not longer than a line. */
export function quoted(text: string): string {
  return text.length > MAX_QUOTED_CHARACTERS
    ? `${JSON.stringify(text.slice(0, MAX_QUOTED_CHARACTERS))} and more`
    : JSON.stringify(text)
}
