import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseComposeYaml } from '../../../../verifier/src/dstack/compose/compose-yaml.ts'
import { outcome } from '../outcome.ts'
import { COMPOSE_TEXT } from './compose-fixture.ts'

const read = (text: string): string => outcome(() => parseComposeYaml(text))

const TOKENS = 'a,: ,- ,\n,  ,{,},[,],",\',#,&a,*a,!,|,>,?,%,@,`,<<,---,\t,$,0,null'.split(',')

describe('compose text', () => {
  test('maps, lists and scalars', () => {
    expect(parseComposeYaml('a: {b: [1, true, null, "x", ~]}\nc: |\n  text\nd: é\n')).toEqual(
      new Map<string, unknown>([
        ['a', new Map([['b', [1, true, null, 'x', null]]])],
        ['c', 'text\n'],
        ['d', 'é'],
      ]),
    )
    expect(read(COMPOSE_TEXT)).toBe('passed')
  })

  test.each([
    ['an anchor', 'a: &x 1'],
    ['an anchor without value', 'a: &x\nb: 1'],
    ['an anchor on a map', 'a: &x {b: 1}'],
    ['an alias', 'a: &x 1\nb: *x'],
    ['an alias of nothing', 'a: *x'],
    ['a merge key', 'a: {<<: {b: 1}}'],
    ['a merge key in quotes', 'a: {"<<": {b: 1}}'],
    ['a doubled key', 'a: 1\na: 2'],
    ['a doubled key in another spelling', 'a: 1\n"\\x61": 2'],
    ['a doubled key further in', 'a: {b: 1, b: 2}'],
    ['a tag', 'a: !!str 1'],
    ['a tag of its own', 'a: !x 1'],
    ['a tag without name', 'a: ! 1'],
    ['a tag on a map', 'a: !!map {}'],
    ['a directive', '%YAML 1.1\n---\na: 1'],
    ['a second document', 'a: 1\n---\na: 2'],
    ['an end of document', 'a: 1\n...\nb: 2'],
    ['a key that is a number', '1: a'],
    ['a key that is a map', '? {a: 1}\n: b'],
    ['a key that is null', ': b'],
    ['a carriage return', 'a: 1\r\nb: 2'],
    ['a next-line character', 'a: "1\u0085b"'],
    ['a line separator', 'a: 1\u2028b: 2'],
    ['a byte order mark', '\ufeffa: 1'],
    ['a NUL', 'a: "\0"'],
    ['a lone surrogate', 'a: "\ud800"'],
    ['no end of a quote', 'a: "'],
    ['a tab for indentation', 'a:\n\tb: 1'],
    ['yes', 'privileged: yes'],
    ['On', 'privileged: On'],
    ['an octal number of YAML 1.1', 'a: 010'],
    ['an octal number of YAML 1.2', 'a: 0o10'],
    ['a number of base 60', 'ports: [22:22]'],
    ['a number with an underscore', 'a: 1_000'],
    ['a number with an exponent', 'a: 1e3'],
    ['a date', 'a: 2026-01-01'],
    ['deep nesting', `a: ${'['.repeat(40)}${']'.repeat(40)}`],
    ['very deep nesting', `a: ${'['.repeat(50_000)}`],
    ['very deep nesting of lists', `${'- '.repeat(50_000)}a`],
    ['very deep nesting of maps', `${'{a: '.repeat(50_000)}`],
  ])('%s', (_, text) => {
    expect(read(text)).toBe('COMPOSE_INVALID')
  })

  test('the same words in quotes are text', () => {
    expect(parseComposeYaml('["yes", "010", "22:22", "2026-01-01"]')).toEqual([
      'yes',
      '010',
      '22:22',
      '2026-01-01',
    ])
  })

  test('any text: read, or refused with a code', () => {
    const token = fc.constantFrom(...TOKENS)
    const texts = fc.oneof(
      fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(['passed', 'COMPOSE_INVALID']).toContain(read(text))
      }),
      { numRuns: 3000 },
    )
  })

  test('many keys are read in time', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1\n`)
    const start = performance.now()
    expect(read(keys.join(''))).toBe('passed')
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})
