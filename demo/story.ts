import { styleText } from 'node:util'

/** Prints the demo's story: colour on a terminal, plain when piped. */
export interface Story {
  /** Opens a chapter. */
  chapter(title: string): void
  /** A step that held, with the proof that stands behind it. */
  step(what: string, proof: string): void
  /** A line of detail under the step. */
  detail(text: string): void
}

type Style = Parameters<typeof styleText>[0]

/** A story on an output; `started` is when the clock of the lines began. */
export function createStory(output: NodeJS.WriteStream, started: number): Story {
  const styled = (style: Style, text: string): string =>
    output.isTTY && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text
  const line = (text: string): void => void output.write(`${text}\n`)
  return {
    chapter: (title) => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1)
      line(`\n${styled(['bold', 'cyan'], title)} ${styled('dim', `(${seconds} s)`)}`)
    },
    step: (what, proof) => line(`  ${styled('green', '✓')} ${what} ${styled('dim', `— ${proof}`)}`),
    detail: (text) => line(`      ${styled('dim', text)}`),
  }
}
