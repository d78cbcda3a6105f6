import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { nextConversation, renderChatMl } from '../../enclave/model/make/corpus/conversation.ts'
import { nextWordingPair } from '../../enclave/model/make/corpus/wording-pairs.ts'
import { createRandom } from '../../enclave/model/make/random.ts'

function conversations(seed: number, count: number): string {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => renderChatMl(nextConversation(random))).join('')
}

describe('the corpus', () => {
  // A change of the text, or of the order of the choices, is another model: it must be meant.
  test('is the text of its seed', () => {
    const digest = toBareHex(sha256(utf8(conversations(42, 2000))))
    expect(digest).toBe('96555bdd6def0b697d9bc19becd6b4cc96704dea45ab713934f7776cae7b3b0c')
  })

  test('pairs of wordings are those of their seed', () => {
    const random = createRandom(99)
    const pairs = Array.from({ length: 2000 }, () => nextWordingPair(random))
    expect(toBareHex(sha256(utf8(JSON.stringify(pairs))))).toBe(
      'c444df18514149945b77ae000ef8bf6ffb1d850fc13834c363c8bf9012490fd8',
    )
  })

  test('differs from seed to seed', () => {
    expect(conversations(1, 20)).not.toBe(conversations(2, 20))
  })

  test('every conversation begins with a question or an instruction and ends with an answer', () => {
    const random = createRandom(5)
    for (let index = 0; index < 5000; index++) {
      const messages = nextConversation(random)
      expect(messages[0]?.role).toMatch(/^(system|user)$/)
      expect(messages.at(-1)?.role).toBe('assistant')
    }
  })
})

test('random choices stay in their bounds', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(50), (seed, low, span) => {
      const random = createRandom(seed)
      const value = random.integer(low, low + span)
      expect(value >= low && value <= low + span).toBe(true)
      const list = Array.from({ length: span + 1 }, (_, index) => index)
      expect(list).toContain(random.pick(list))
      expect(random.shuffle([...list]).toSorted((a, b) => a - b)).toEqual(list)
    }),
  )
})
