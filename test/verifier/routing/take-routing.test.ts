import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { membersOf, RoutingError, takeRouting } from '@jeju/verifier/routing'

const ROUTING = ['provider', 'models', 'min_tier']

/** Any object without members about routing, written with any white space. */
const others = fc
  .dictionary(
    fc.string().filter((name) => ![...ROUTING, 'model', '__proto__'].includes(name)),
    fc.jsonValue({ maxDepth: 3 }),
  )
  .map((value) => ({ ...value }))

describe('what is about routing is taken out, and nothing else', () => {
  test('of any object, wherever it stands', () => {
    fc.assert(
      fc.property(
        others,
        fc.subarray(ROUTING),
        fc.jsonValue({ maxDepth: 2 }),
        fc.infiniteStream(fc.nat()),
        fc.constantFrom(undefined, 1, '\t'),
        (rest, stated, value, places, space) => {
          const entries: [string, unknown][] = Object.entries(rest)
          for (const name of stated) {
            entries.splice((places.next().value ?? 0) % (entries.length + 1), 0, [name, value])
          }
          const text = JSON.stringify(Object.fromEntries(entries), undefined, space)
          const routed = takeRouting(text)
          expect(JSON.parse(routed.own)).toEqual(JSON.parse(JSON.stringify(rest)))
          expect(Object.keys(routed.stated)).toEqual(
            value === null ? [] : Object.keys(JSON.parse(text) as object).filter(isRouting),
          )
          // Every member that is left has the text it had.
          const left = membersOf(text).filter(({ name }) => !ROUTING.includes(name))
          expect(routed.own).toBe(`{${left.map((member) => member.text).join(',')}}`)
          expect(left.every((member) => text.includes(member.text))).toBe(true)
          expect(JSON.parse(routed.forModel('a"b'))).toEqual({
            model: 'a"b',
            ...(JSON.parse(JSON.stringify(rest)) as object),
          })
        },
      ),
    )
  })

  test('digits that no parser keeps, and the order of members', () => {
    const text =
      '{ "seed" : 12345678901234567890, "provider":{"sort":"price"},"x":1.50e+3 , "model":"a" }'
    const routed = takeRouting(text)
    expect(routed.own).toBe('{"seed" : 12345678901234567890,"x":1.50e+3,"model":"a"}')
    expect(routed.forModel('b')).toBe('{"seed" : 12345678901234567890,"x":1.50e+3,"model":"b"}')
    expect(takeRouting('{"models":["a"],"x":1}').forModel('a')).toBe('{"model":"a","x":1}')
  })

  test('under an escaped name too', () => {
    const routed = takeRouting('{"prov\\u0069der":{"zdr":true},"\\u0061":1}')
    expect([routed.own, routed.stated]).toEqual(['{"\\u0061":1}', { provider: { zdr: true } }])
  })
})

test.each([
  ['provider', '{"provider":{},"provider":null}'],
  ['provider', '{"provider":{},"prov\\u0069der":{}}'],
  ['model', '{"model":"a","provider":{},"model":"b"}'],
  ['provider', '{"provider":{"only":["1"],"only":["2"]}}'],
  ['models', `{"models":${'['.repeat(9)}${']'.repeat(9)}}`],
])('%s that means two things is refused: %s', (param, text) => {
  expect(refusalOf(() => takeRouting(text))?.param).toBe(param)
})

function isRouting(name: string): boolean {
  return ROUTING.includes(name)
}

function refusalOf(read: () => unknown): RoutingError | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof RoutingError) return error
    throw error
  }
}
