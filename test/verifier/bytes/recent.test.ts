import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recent } from '../../../verifier/src/bytes/recent.ts'

test('what was set last is what is found, and what is used stays', () => {
  const key = fc.integer({ min: 0, max: 30 }).map(String)
  const step = fc.oneof(fc.tuple(key, fc.nat()), key)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const recent = new Recent<number>(8)
      const all = new Map<string, number>()
      recent.set('used', -1)
      for (const one of steps) {
        expect(recent.get('used')).toBe(-1)
        if (typeof one === 'string') {
          const found = recent.get(one)
          if (found !== undefined) expect(found).toBe(all.get(one))
        } else {
          recent.set(...one)
          all.set(...one)
          expect(recent.get(one[0])).toBe(one[1])
        }
      }
      const kept = [...all.keys()].filter((name) => recent.get(name) !== undefined)
      expect(kept.length).toBeLessThanOrEqual(8)
    }),
  )
})

test('what was not used lately is forgotten', () => {
  const recent = new Recent<number>(4)
  for (let index = 0; index < 5; index++) recent.set(String(index), index)
  expect(recent.get('0')).toBeUndefined()
  expect(recent.get('4')).toBe(4)
})
