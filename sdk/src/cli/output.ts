import { oneLine, printableJson } from './printable.ts'
import type { Terminal } from './terminal.ts'

/** Prints one result: the text for people, or its JSON. Integers beyond 2^53 and wei are decimal strings. */
export function printResult(
  terminal: Terminal,
  isJson: boolean | undefined,
  result: object,
  text: string,
): Promise<void> {
  return terminal.print(isJson === true ? toJson(result) : text)
}

/** One line of JSON. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  )
  return printableJson(json)
}

/** A heading and what belongs to it, a line each, whatever strangers have written into them. */
export function listing(heading: string, lines: readonly string[]): string {
  return [heading, ...lines].map(oneLine).join('\n  ')
}

/** Rows under headings, in columns; nothing but the headings where there are no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map((line) => line.map(oneLine))
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
