import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  matchTemplate,
  parseComposeTemplate,
} from '../../../../verifier/src/dstack/compose/template.ts'
import { outcome } from '../outcome.ts'

const TEXT =
  '{"agent":"{{AGENT}}","url":"{{URL}}","file":"image: node@sha256:{{IMAGE}}\\n{{AGENT}}"}'
const DIGESTS = ['ab'.repeat(32), 'cd'.repeat(32)]
const HOLES = {
  AGENT: { kind: 'decimal', bits: 64 },
  URL: { kind: 'origin' },
  IMAGE: { kind: 'one-of', values: DIGESTS },
}
const template = parseComposeTemplate({ name: 'node', text: TEXT, holes: HOLES }, 'template')
const fill = (agent: string, url: string, image: string, again = agent): string =>
  `{"agent":"${agent}","url":"${url}","file":"image: node@sha256:${image}\\n${again}"}`
const GOOD = fill('7', 'https://node.example:8443', DIGESTS[0] ?? '')

describe('a text and its template', () => {
  test('what stands in the holes', () => {
    expect(matchTemplate(template, GOOD)).toEqual({
      values: { AGENT: '7', URL: 'https://node.example:8443', IMAGE: DIGESTS[0] },
    })
  })

  test.each([
    ['a number with a zero before it', fill('07', 'https://a', DIGESTS[0] ?? '')],
    ['a number too large', fill((1n << 64n).toString(), 'https://a', DIGESTS[0] ?? '')],
    ['an empty hole', fill('', 'https://a', DIGESTS[0] ?? '')],
    ['two fillings of one hole', fill('7', 'https://a', DIGESTS[0] ?? '', '8')],
    ['a digest that is not listed', fill('7', 'https://a', 'ef'.repeat(32))],
    ['http', fill('7', 'http://a', DIGESTS[0] ?? '')],
    ['a path', fill('7', 'https://a/b', DIGESTS[0] ?? '')],
    ['a port out of range', fill('7', 'https://a:65536', DIGESTS[0] ?? '')],
    ['a host that ends in a hyphen', fill('7', 'https://a-', DIGESTS[0] ?? '')],
    ['a quote in a hole', fill('7', 'https://a","x":"', DIGESTS[0] ?? '')],
    ['something behind the end', `${GOOD} `],
    ['nothing', ''],
  ])('A6 %s', (_, text) => {
    expect(matchTemplate(template, text)).not.toHaveProperty('values')
  })

  test('the first difference is named', () => {
    const changed = GOOD.replace('"url"', '"uri"')
    expect(matchTemplate(template, changed)).toEqual({
      at: changed.indexOf('i":"'),
      expected: JSON.stringify('l":"'),
      actual: JSON.stringify(changed.slice(changed.indexOf('i":"')).slice(0, 40)),
    })
  })

  test('A7 config_outside_measurement_rejected: any character outside the holes', () => {
    const literal = Array.from({ length: GOOD.length }, (_, at) => at).filter((at) => !isHole(at))
    fc.assert(
      fc.property(
        fc.constantFrom(...literal),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, character) => {
          fc.pre(GOOD[at] !== character)
          const changed = GOOD.slice(0, at) + character + GOOD.slice(at + 1)
          expect(matchTemplate(template, changed)).not.toHaveProperty('values')
        },
      ),
    )
  })

  test('no filling of a hole can be read as something else', () => {
    const shapes = [
      { kind: 'hex', bytes: 2 },
      { kind: 'decimal', bits: 256 },
      { kind: 'name', maxLength: 64 },
      { kind: 'host' },
      { kind: 'origin' },
    ]
    const filled = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('0a0b', '1', 'a', 'a.b'))
    fc.assert(
      fc.property(fc.constantFrom(...shapes), filled, (shape, text) => {
        const one = parseComposeTemplate({ name: '', text: '{{A}}', holes: { A: shape } }, 't')
        const match = matchTemplate(one, text)
        if ('values' in match) expect(text).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Whether that place of the good text lies in a hole. */
function isHole(at: number): boolean {
  const fillings = ['7', 'https://node.example:8443', DIGESTS[0] ?? '', '7']
  let from = 0
  return fillings.some((filling) => {
    const start = GOOD.indexOf(filling, from)
    from = start + filling.length
    return at >= start && at < from
  })
}

describe('a template that cannot be one', () => {
  const read = (text: string, holes: object): string =>
    outcome(() => parseComposeTemplate({ name: 'x', text, holes }, 'template'))
  const name = { kind: 'name', maxLength: 8 }

  test.each([
    ['a hole without shape', '{{A}}', {}],
    ['a shape without hole', 'text', { A: name }],
    ['two holes side by side', '{{A}}{{B}}', { A: name, B: name }],
    ['a hole whose end is uncertain', '{{A}}b', { A: name }],
    [
      'A6 compose_env_in_image_rejected: a free digest',
      'node@sha256:{{A}}"',
      { A: { kind: 'hex', bytes: 32 } },
    ],
    ['an unknown kind', '{{A}}', { A: { kind: 'any' } }],
    ['a member of another kind', '{{A}}', { A: { kind: 'host', bits: 8 } }],
    ['a missing member', '{{A}}', { A: { kind: 'hex' } }],
    ['a listed value with a quote', '{{A}}', { A: { kind: 'one-of', values: ['a"'] } }],
    ['a listed value with a dollar sign', '{{A}}', { A: { kind: 'one-of', values: ['${A}'] } }],
  ])('%s', (_, text, holes) => {
    expect(read(text, holes)).toBe('INPUT_FIELD')
  })

  test('braces of others stay text', () => {
    expect(read('{{.Names}} {{lower}}', {})).toBe('passed')
  })

  test('any JSON is a template or refused with a code', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (holes, shape) => {
        const judged = [holes, { A: shape }].map((value) =>
          outcome(() =>
            parseComposeTemplate({ name: '', text: '{{A}}', holes: value }, 'template'),
          ),
        )
        for (const code of judged) expect(['passed', 'INPUT_FIELD']).toContain(code)
      }),
    )
  })
})
