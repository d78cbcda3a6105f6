import {
  addressOf,
  encodeRelease,
  encodeVoucher,
  parseRelease,
  parseVoucher,
  ProtocolError,
  recoverAddress,
  signVoucher,
  voucherDigest,
} from '@jeju/verifier/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOf, domains, hexOf, uint } from './samples.ts'

const parts = fc.record({ cumulative: uint(128), signature: hexOf(65) })

test('a voucher by itself, and in a release, is read as it was written', () => {
  fc.assert(
    fc.property(hexOf(32), parts, uint(64), (channelId, part, deadline) => {
      const voucher = { channelId, ...part }
      expect(parseVoucher(encodeVoucher(voucher))).toEqual(voucher)
      const release = { channelId, paid: part.cumulative, deadline, signature: part.signature }
      expect(parseRelease(encodeRelease(release))).toEqual(release)
      const withVoucher = { ...release, voucher: part }
      expect(parseRelease(encodeRelease(withVoucher))).toEqual(withVoucher)
    }),
  )
})

test('the session key signs a channel and a sum, in the domain of one contract', () => {
  const keys = bytesOf(32).filter((key) => key.some((byte) => byte !== 0) && (key[0] ?? 0) < 0xff)
  fc.assert(
    fc.property(keys, hexOf(32), uint(127), domains, (key, channelId, cumulative, serving) => {
      const signed = signVoucher({ channelId, cumulative }, serving, key)
      expect(recoverAddress(voucherDigest(signed, serving), signed.signature)).toBe(addressOf(key))
      const digest = voucherDigest(signed, serving)
      expect(voucherDigest({ channelId, cumulative: cumulative + 1n }, serving)).not.toBe(digest)
      const elsewhere = { ...serving, chainId: serving.chainId + 1n }
      expect(voucherDigest(signed, elsewhere)).not.toBe(digest)
    }),
    { numRuns: 20 },
  )
})

test.each([
  '{}',
  '{"channelId":"0x","cumulative":"1","signature":"0x","v":1}',
  `{"channelId":"0x${'1a'.repeat(32)}","cumulative":"1","signature":"0x${'1a'.repeat(65)}","v":2}`,
  `{"channelId":"0x${'1a'.repeat(32)}","cumulative":"01","signature":"0x${'1a'.repeat(65)}","v":1}`,
  `{"v":1,"channelId":"0x${'1a'.repeat(32)}","cumulative":"1","signature":"0x${'1a'.repeat(65)}"}`,
])('what is no voucher is refused: %s', (text) => {
  expect(() => parseVoucher(text)).toThrow(ProtocolError)
})
