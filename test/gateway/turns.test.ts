import type { Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { nextTurn, type Waiting } from '../../gateway/src/admission/turns.ts'

const one = (agentId: number, changes: Partial<Waiting> = {}): Waiting => ({
  agentId: BigInt(agentId),
  owner: ownerOf(agentId),
  stake: 1n,
  failures: 0,
  leaseEndsAtMs: undefined,
  ...changes,
})
const many = (count: number, changes: Partial<Waiting> = {}): readonly Waiting[] =>
  Array.from({ length: count }, (_, at) => one(1_000 + at, changes))
const next = (waiting: readonly Waiting[], underWay: readonly Waiting[] = []): bigint | undefined =>
  nextTurn(waiting, underWay)?.agentId

function ownerOf(agentId: number): Hex {
  return `0x${agentId.toString(16).padStart(40, '0')}`
}

describe('who is judged next', () => {
  test('renewals, then who was not asked yet, then those who failed, the seldomest first', () => {
    const renewal = one(1, { leaseEndsAtMs: 9 })
    const newcomer = one(2)
    const once = one(3, { failures: 1 })
    const often = one(4, { failures: 7 })
    const order = [often, once, newcomer, renewal]
    expect(next(order)).toBe(1n)
    expect(next(order.slice(0, 3))).toBe(2n)
    expect(next(order.slice(0, 2))).toBe(3n)
  })

  test('among equals whose lease ends first, then who has most at stake', () => {
    expect(next([one(1, { leaseEndsAtMs: 9 }), one(2, { leaseEndsAtMs: 5 })])).toBe(2n)
    expect(next([one(1), one(2, { stake: 5n }), one(3, { stake: 2n })])).toBe(2n)
    const failed = { failures: 2 }
    expect(next([one(1, failed), one(2, { ...failed, leaseEndsAtMs: 5 })])).toBe(2n)
  })

  test('a lease whose node does not answer any more is no reason to be first', () => {
    expect(next([one(1, { leaseEndsAtMs: 5, failures: 1 }), one(2)])).toBe(2n)
  })
})

describe('F16 caches_bounded', () => {
  const renewal = one(1, { leaseEndsAtMs: 9 })

  test('no crowd of newcomers takes the places of renewals', () => {
    const crowd = many(48)
    expect(next([one(2)], crowd)).toBeUndefined()
    expect(next([one(2), renewal], crowd)).toBe(1n)
    expect(next([renewal], many(63, { leaseEndsAtMs: 5 }))).toBe(1n)
    expect(next([renewal], many(64, { leaseEndsAtMs: 5 }))).toBeUndefined()
  })

  test('no crowd of those who failed takes the places of newcomers', () => {
    const crowd = many(16, { failures: 1 })
    expect(next([one(2, { failures: 1 })], crowd)).toBeUndefined()
    expect(next([one(2, { failures: 1 }), one(3)], crowd)).toBe(3n)
  })

  test('nor do registrations of one owner, who may renew all the same', () => {
    const owner = ownerOf(7)
    const crowd = many(8, { owner })
    expect(next([one(2, { owner })], crowd)).toBeUndefined()
    expect(next([one(2, { owner }), one(3)], crowd)).toBe(3n)
    expect(next([one(2, { owner, leaseEndsAtMs: 9 })], crowd)).toBe(2n)
    expect(next([one(2, { owner })], many(20, { owner, leaseEndsAtMs: 9 }))).toBe(2n)
  })
})
