import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { listing, table, toJson } from '../../sdk/src/cli/output.ts'
import { printable } from '../../sdk/src/cli/printable.ts'

const MAIN = fileURLToPath(new URL('../../sdk/src/cli/main.ts', import.meta.url))
const NODE = ['--conditions=@jeju/source', '--import', 'tsx', MAIN]

async function jeju(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [...NODE, ...args], { env: { PATH: process.env['PATH'] } })
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => resolve(code ?? -1))
  })
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, out, err }
}

test('the program: help on standard output, complaints on standard error, and its exit code', async () => {
  const help = await jeju('--help')
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toContain('jeju receipts verify')
  const wrong = await jeju('providers', '--json')
  expect(wrong.code).toBe(2)
  expect(JSON.parse(wrong.out)).toMatchObject({ error: { code: 'USAGE' } })
  expect(wrong.err).toMatch(/^jeju: USAGE: /)
})

test('names that strangers chose cannot repaint the screen', () => {
  expect(printable('a\u001b[2Jb\u202ec\nd\ré')).toBe('a\\u{1b}[2Jb\\u{202e}c\nd\\u{d}é')
})

test('results: integers of any size are text, columns are as wide as their widest cell', () => {
  expect(toJson({ wei: 2n ** 200n, count: 1 })).toBe(`{"wei":"${2n ** 200n}","count":1}`)
  expect(table(['a', 'b'], [['xxx', 'y']])).toBe('a    b\nxxx  y')
})

test('whatever a stranger is called, a result stays JSON, and says the same', () => {
  const name = 'a\u202eb\u200d\u{e0041}\u2028c\\\u00ad"\u0007\nd'
  const json = toJson({ [name]: name })
  expect(printable(json)).toBe(json)
  expect(json).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
  expect(JSON.parse(printable(json))).toEqual({ [name]: name })
})

test('a name with a line break begins no row and no check of its own', () => {
  const forged = 'mini\n7      0        mini   0   0   active  admitted'
  expect(table(['model'], [[forged]]).split('\n')).toHaveLength(2)
  const checks = ['FAILED   models: expected a, got b\n  ok       tdx-quote']
  expect(listing('refused\nverified', checks).split('\n')).toEqual([
    'refused\\u{a}verified',
    '  FAILED   models: expected a, got b\\u{a}  ok       tdx-quote',
  ])
})
