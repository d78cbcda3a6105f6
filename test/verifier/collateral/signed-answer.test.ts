import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '@jeju/verifier/protocol'
import { CollateralFetchError } from '@jeju/verifier/collateral'
import { readSignedAnswer } from '../../../verifier/src/collateral/signed-answer.ts'

const SIGNATURE = 'ab'.repeat(64)
const space = fc.stringMatching(/^[ \t\n\r]{0,3}$/)

function cut(json: string): string {
  return readSignedAnswer(utf8(json), 'tcbInfo', 'test').text
}

describe('the signed value', () => {
  test('is the text as it was sent, whatever stands around it', () => {
    const others = fc.dictionary(
      fc
        .stringMatching(/^[a-z]{1,5}$/)
        .filter((name) => name !== 'tcbInfo' && name !== 'signature'),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 3, noNullPrototype: true },
    )
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.nat(2),
        others,
        fc.nat(5),
        space,
        (value, indent, around, place, gap) => {
          const text = JSON.stringify(value, undefined, indent)
          const members = Object.entries(around).map(([name, other]) => [
            name,
            JSON.stringify(other),
          ])
          members.splice(place % (members.length + 1), 0, ['tcbInfo', text])
          members.splice((place * 3) % (members.length + 1), 0, ['signature', `"${SIGNATURE}"`])
          const body = members.map(([name, json]) => `${gap}"${name}"${gap}:${gap}${json}${gap}`)
          expect(cut(`${gap}{${body.join(',')}}${gap}`)).toBe(text)
        },
      ),
    )
  })

  test('keeps spellings that a parser would not give back', () => {
    const text = String.raw`{ "a" : "\u0041\/\"}]{,", "b":[ 1.0e0 , {} ],"":"tcbInfo" }`
    expect(cut(`{"tcbInfo":${text} ,"signature":"${SIGNATURE}"}`)).toBe(text)
  })

  test('a nested member of that name is not it', () => {
    expect(() => cut(`{"a":{"tcbInfo":{}},"signature":"${SIGNATURE}"}`)).toThrow('tcbInfo')
    const json = `{"a":{"tcbInfo":1},"tcbInfo":{"tcbInfo":2},"signature":"${SIGNATURE}"}`
    expect(cut(json)).toBe('{"tcbInfo":2}')
  })

  test('a name spelt with an escape is none', () => {
    const json = String.raw`{"tcb\u0049nfo":{},"signature":"${SIGNATURE}"}`
    expect(() => cut(json)).toThrow(expect.objectContaining({ code: 'FETCH_BODY_INVALID' }))
  })

  test('whatever comes, it is an answer or a refusal with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(200), (noise, at) => {
        const json = utf8(`{"tcbInfo":{"a":[1,"b"]},"signature":"${SIGNATURE}"}`)
        json.set(noise.subarray(0, json.length - (at % json.length)), at % json.length)
        try {
          readSignedAnswer(json, 'tcbInfo', 'test')
        } catch (error) {
          expect(error).toBeInstanceOf(CollateralFetchError)
        }
      }),
    )
  })
})
