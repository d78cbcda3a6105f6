import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256, utf8 } from '@jeju/verifier/protocol'
import { checkMrConfigId } from '../../../verifier/src/dstack/check-compose.ts'

const compose = utf8('{"runner":"docker-compose"}')

/** tag ‖ 32 bytes ‖ 15 zeros. */
function mrConfigId(tag: number, digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(48)
  bytes.set([tag, ...digest])
  return bytes
}

test('zero, and version 1 of exactly this compose, pass', () => {
  expect(checkMrConfigId(new Uint8Array(48), compose)).toMatchObject({
    status: 'passed',
    evidence: { version: 'not set' },
  })
  expect(checkMrConfigId(mrConfigId(1, sha256(compose)), compose)).toMatchObject({
    status: 'passed',
    evidence: { version: 1 },
  })
})

test('A8 mrconfigid_mismatch_rejected: every other byte of version 1', () => {
  const good = mrConfigId(1, sha256(compose))
  fc.assert(
    fc.property(fc.nat(47), fc.integer({ min: 1, max: 255 }), (index, mask) => {
      const changed = good.slice()
      changed[index] = (changed[index] ?? 0) ^ mask
      expect(checkMrConfigId(changed, compose).status).toBe('failed')
    }),
  )
})

test.each([2, 3])('A8 version %i is refused in words: its document is not at hand', (tag) => {
  expect(checkMrConfigId(mrConfigId(tag, sha256(compose)), compose)).toMatchObject({
    status: 'failed',
    actual: expect.stringContaining(`version ${tag}, whose document is not part of the evidence`),
  })
})

test('A8 an unknown version is refused', () => {
  for (const tag of [0, 4, 0x11, 0xff]) {
    expect(checkMrConfigId(mrConfigId(tag, sha256(compose)), compose).status).toBe('failed')
  }
})
