import { expect, test } from 'vitest'
import { paintFor } from '../../../verifier/src/cli/output/paint.ts'
import { drawTree, leaf } from '../../../verifier/src/cli/output/tree.ts'
import { processTerminal, type Terminal } from '../../../verifier/src/cli/terminal.ts'

const terminal = (isColoured: boolean): Terminal => ({
  ...processTerminal(),
  isColoured,
})

const tree = {
  label: [['root', 'plain']],
  below: [{ label: [['ok', 'good']], below: [leaf('why')] }, leaf('FAILED', 'bad')],
} as const

test('a tree is plain where colours are not wanted', () => {
  expect(drawTree(tree, paintFor(terminal(false)))).toBe('root\n├─ ok\n│  └─ why\n└─ FAILED')
})

test('green and red on a terminal', () => {
  const drawn = drawTree(tree, paintFor(terminal(true)))
  expect(drawn).toContain('\u001b[32mok\u001b[0m')
  expect(drawn).toContain('\u001b[31mFAILED\u001b[0m')
})

test('what could repaint the screen is spelled out', () => {
  const hostile = leaf('a\u001b[2J\r\nb\u202ec\u0007é漢')
  expect(drawTree(hostile, paintFor(terminal(false)))).toBe(
    'a\\u{1b}[2J\\u{d}\\u{a}b\\u{202e}c\\u{7}é漢',
  )
})
