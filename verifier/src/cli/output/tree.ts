import type { Paint, Tone } from './paint.ts'
import { printable } from './printable.ts'

/** Text of one tone. */
export type Span = readonly [text: string, tone: Tone]

/** One line of a tree, and what hangs below it. */
export interface Tree {
  readonly label: readonly Span[]
  readonly below?: readonly Tree[]
}

/** A line of one tone. */
export function leaf(text: string, tone: Tone = 'plain'): Tree {
  return { label: [[text, tone]] }
}

/** The tree as lines of text; every text in it is made printable. */
export function drawTree(tree: Tree, paint: Paint): string {
  return linesOfTree(tree, paint).join('\n')
}

function linesOfTree({ label, below = [] }: Tree, paint: Paint): readonly string[] {
  const line = label.map(([text, tone]) => paint(printable(text), tone)).join('')
  const rest = below.flatMap((child, index) => {
    const isLast = index === below.length - 1
    const [first = '', ...others] = linesOfTree(child, paint)
    const branch = paint(isLast ? '└─ ' : '├─ ', 'quiet')
    const trunk = paint(isLast ? '   ' : '│  ', 'quiet')
    return [branch + first, ...others.map((other) => trunk + other)]
  })
  return [line, ...rest]
}
