import type { Terminal } from '../terminal.ts'

/** How a piece of text is meant. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'plain'

/** Gives text the colour of a tone. */
export type Paint = (text: string, tone: Tone) => string

/** SGR parameters: green, red, yellow, faint. */
const COLOURS: Readonly<Record<Exclude<Tone, 'plain'>, number>> = {
  good: 32,
  bad: 31,
  warning: 33,
  quiet: 2,
}

/** Colours on a terminal, none elsewhere. */
export function paintFor({ isColoured }: Terminal): Paint {
  if (!isColoured) return (text) => text
  return (text, tone) =>
    tone === 'plain' || text === '' ? text : `\u001b[${COLOURS[tone]}m${text}\u001b[0m`
}
