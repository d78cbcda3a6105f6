import type { Hex } from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import {
  createEvidencePlaces,
  type EvidencePlace,
} from '../../gateway/src/routes/evidence-places.ts'

const ownerOf = (id: number): Hex => `0x${id.toString(16).padStart(40, '0')}`
const of = (agentId: number, owner = agentId): { agentId: bigint; owner: Hex } => ({
  agentId: BigInt(agentId),
  owner: ownerOf(owner),
})

function present(place: EvidencePlace | undefined): EvidencePlace {
  if (place === undefined) throw new Error('expected a place')
  return place
}

test('F16: one node has four at once, and gives them back', () => {
  const places = createEvidencePlaces(48)
  const own = Array.from({ length: 4 }, () => present(places.enter(of(1))))
  expect(places.enter(of(1))).toBeUndefined()
  expect(places.enter(of(2, 1))).toBeDefined()
  own[0]?.leave()
  expect(places.enter(of(1))).toBeDefined()
})

test('F16 caches_bounded: who hangs makes room for who has less, the longest first', () => {
  const places = createEvidencePlaces(48)
  const hanging = Array.from({ length: 48 }, (_, at) => present(places.enter(of(at % 16))))
  const ended = (): number[] => hanging.flatMap(({ signal }, at) => (signal.aborted ? [at] : []))
  const honest = present(places.enter(of(99)))
  expect(ended()).toEqual([0])
  present(places.enter(of(99)))
  expect(ended()).toEqual([0, 1])
  // As many as anybody else, or one less: it waits as they do.
  expect(places.enter(of(99))).toBeUndefined()
  expect(honest.signal.aborted).toBe(false)
  // They cannot take them back.
  expect(places.enter(of(0))).toBeUndefined()
  // Another node of an owner counts as the same.
  expect(places.enter(of(50, 2))).toBeUndefined()
})

test('what was ended and then leaves gives back no place twice', () => {
  const places = createEvidencePlaces(2)
  const first = present(places.enter(of(1)))
  const second = present(places.enter(of(1)))
  present(places.enter(of(2)))
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
  first.leave()
  expect(places.enter(of(3))).toBeUndefined()
  second.leave()
  expect(places.enter(of(3))).toBeDefined()
})
