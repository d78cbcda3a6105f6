import { nativeSignatures } from '@jeju/verifier/node'
import {
  randomBytes32,
  signDigest,
  voucherDigest,
  type Hex,
  type VoucherPart,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Store } from '../../enclave/src/storage/store.ts'
import { servingDomain } from './setting/deployment.ts'
import { BINDING, closeStores } from './setting/payment.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'
import { chatBody, TestClient } from './setting/test-client.ts'
import { VoucherClient, type VoucherLies } from './setting/voucher-client.ts'
import { openVouchers as open } from './setting/voucher-setting.ts'

afterAll(async () => {
  await closeStores()
  await cleanUp()
})

const BODY = chatBody()

/** The same signature with the other `s` of the curve. */
function malleated(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = BigInt(`0x${signature.slice(66, 130)}`)
  const v = signature.endsWith('1b') ? '1c' : '1b'
  return `0x${signature.slice(2, 66)}${(order - s).toString(16).padStart(64, '0')}${v}`
}

describe('which voucher pays', () => {
  test('P19 mode_exclusive: a channel of vouchers needs one, and one of receipts takes none', async () => {
    const { take, takeSigned, chain, client } = await open()
    expect(await take()).toBe('ok')
    expect(await take({ voucher: null })).toBe('voucher_missing')
    const byReceipts = new TestClient(chain, BINDING)
    const signed = byReceipts.sign(BODY)
    expect(await takeSigned({ ...signed, voucher: client.voucher() })).toBe('voucher_invalid')
    expect(await takeSigned(signed)).toBe('ok')
  })

  test('P5 replay_other_domain: a voucher of another chain or contract', async () => {
    const { take, client } = await open()
    for (const changes of [
      { chainId: 1n },
      { verifyingContract: `0x${'b6'.repeat(20)}` as const },
    ]) {
      const { channelId, sessionKey } = client
      const cumulative = 1_000_000n
      const domain = { ...servingDomain, ...changes }
      const signature = signDigest(voucherDigest({ channelId, cumulative }, domain), sessionKey)
      expect(await take({ voucher: { cumulative, signature } })).toBe('voucher_invalid')
    }
  })

  test('F14 a voucher of another channel, or by another key', async () => {
    const { take, chain, client } = await open()
    const other = new VoucherClient(chain, BINDING)
    expect(await take({ voucher: other.voucher(1_000_000n) })).toBe('voucher_invalid')
    // The very key, and another channel of it.
    expect(await take({ voucher: other.voucher(1_000_000n, client.sessionKey) })).toBe(
      'voucher_invalid',
    )
    expect(await take({ voucher: client.voucher(1_000_000n, randomBytes32()) })).toBe(
      'voucher_invalid',
    )
  })

  test('P21 a malleated signature, and every other form of it, is refused', async () => {
    const { take, client } = await open()
    const { cumulative, signature } = client.voucher(1_000n)
    const table: readonly Hex[] = [
      malleated(signature),
      `0x${signature.slice(2, 130)}00`,
      `0x${signature.slice(2, 130)}${signature.endsWith('1b') ? '1c' : '1b'}`,
      `0x${'ff'.repeat(64)}1b`,
      `0x${'00'.repeat(65)}`,
    ]
    for (const changed of table) {
      expect(await take({ voucher: { cumulative, signature: changed } })).toBe('voucher_invalid')
    }
    expect(await take({ voucher: { cumulative, signature } })).toBe('ok')
  })

  test('N3 the sum is covered by the signature', async () => {
    const { take, client } = await open()
    const { signature } = client.voucher(1_000n)
    expect(await take({ voucher: { cumulative: 1_001n, signature } })).toBe('voucher_invalid')
  })
})

describe('how much a voucher has to be', () => {
  test('N2 a voucher below what may be charged takes nothing, and one wei more does', async () => {
    const { take, answer, journal, client } = await open()
    expect(await take({ cumulative: 999n })).toBe('voucher_too_low')
    expect(journal.reserved(client.channelId)).toBe(0n)
    expect(await take({ cumulative: 1_000n })).toBe('ok')
    // Beside an answer under way.
    expect(await take({ cumulative: 1_999n })).toBe('voucher_too_low')
    await answer(40n)
    expect(await take({ cumulative: 1_039n })).toBe('voucher_too_low')
    expect(await take({ cumulative: 1_040n })).toBe('ok')
  })

  test('N9 a replayed voucher pays nothing twice', async () => {
    const { take, answer, client } = await open()
    const voucher: VoucherPart = client.voucher(1_000n)
    expect(await take({ voucher })).toBe('ok')
    expect(await take({ voucher })).toBe('voucher_too_low')
    await answer(1n)
    expect(await take({ voucher })).toBe('voucher_too_low')
    expect(await take({ voucher, maxFee: 999n })).toBe('ok')
  })

  test('N2 parallel_requests_cannot_overspend: beyond what is locked no voucher helps', async () => {
    const { take, answer, chain, client } = await open(2_500n)
    expect(await take({ cumulative: 2n ** 128n - 1n })).toBe('ok')
    expect(await take()).toBe('ok')
    expect(await take()).toBe('insufficient_funds')
    await answer(40n)
    expect(await take()).toBe('ok')
    const channel = await chain.channel(client.channelId)
    chain.channels.set(client.channelId, { ...channel, locked: 3_040n })
    expect(await take()).toBe('ok')
    expect(await take({ maxFee: 1n })).toBe('insufficient_funds')
  })

  test('vouchers come in whatever order: the highest that came counts', async () => {
    const { takeSigned, client } = await open()
    const signed = [0, 1, 2, 3].map(() => client.sign(BODY))
    for (const at of [3, 2, 0, 1]) {
      const one = signed[at]
      expect(one && (await takeSigned(one))).toBe('ok')
    }
  })

  test('N10 what others were paid from the channel counts as charged', async () => {
    const { take, answer, chain, client } = await open()
    expect(await take()).toBe('ok')
    await answer(40n)
    const channel = await chain.channel(client.channelId)
    chain.channels.set(client.channelId, { ...channel, spent: 500n })
    expect(await take({ cumulative: 1_539n })).toBe('voucher_too_low')
    expect(await take({ cumulative: 1_540n })).toBe('ok')
  })

  test('P20 a key that was replaced is worth nothing to the next, which signs for everything', async () => {
    const { take, answer, chain, client } = await open()
    expect(await take({ cumulative: 100_000n })).toBe('ok')
    await answer(40n)
    const channel = await chain.channel(client.channelId)
    const successor = new VoucherClient(chain, BINDING)
    const { sessionKey } = await chain.channel(successor.channelId)
    chain.channels.set(client.channelId, { ...channel, sessionKey })
    const key = successor.sessionKey
    expect(await take({ cumulative: 1_040n })).toBe('authorization_invalid')
    expect(await take({ cumulative: 1_039n, key })).toBe('voucher_too_low')
    expect(await take({ cumulative: 1_040n, key })).toBe('ok')
  })
})

describe('what is on disk', () => {
  test('N9 a start finds the highest voucher, and what was charged', async () => {
    const folder = await temporaryFolder()
    const first = await open(undefined, folder)
    expect(await first.take({ cumulative: 5_000n })).toBe('ok')
    await first.answer(700n)
    expect(await first.take({ cumulative: 1_700n })).toBe('ok')
    await first.store.close()

    const second = await open(undefined, folder, first)
    const again = (lies: VoucherLies): Promise<string> => second.take(lies)
    expect(second.journal.owed(first.client.channelId)).toBe(700n)
    // What was being answered was not charged, and 700 are: the 5,000 that came first still cover four more.
    for (let at = 0; at < 4; at++) expect(await again({ cumulative: 1_000n })).toBe('ok')
    expect(await again({ cumulative: 1_000n })).toBe('voucher_too_low')
  })

  test('N9 the voucher is on disk with the authorisation, in one commit', async () => {
    const { client, store, take } = await open()
    const written: number[] = []
    const write = store.write.bind(store)
    Object.assign(store, {
      write: (changes: Parameters<Store['write']>[0]) => {
        written.push(changes.length)
        return write(changes)
      },
    })
    expect(await take()).toBe('ok')
    expect(written).toHaveLength(1)
    const rows = await store.all('SELECT cumulative FROM vouchers WHERE channel_id = ?', [
      client.channelId,
    ])
    expect(rows).toEqual([{ cumulative: '1000' }])
  })

  test('a channel of receipts costs no more than before: one signature, one commit', async () => {
    const { chain, store, takeSigned, take } = await open()
    const recovered = vi.spyOn(nativeSignatures, 'recoverAddress')
    onTestFinished(() => recovered.mockRestore())
    const written: (readonly string[])[] = []
    const write = store.write.bind(store)
    Object.assign(store, {
      write: (changes: Parameters<Store['write']>[0]) => {
        written.push(changes.map(({ sql }) => sql.trim().split(/\s+/).slice(0, 5).join(' ')))
        return write(changes)
      },
    })
    expect(await takeSigned(new TestClient(chain, BINDING).sign(BODY))).toBe('ok')
    expect(written).toEqual([['INSERT OR IGNORE INTO authorisations']])
    expect(recovered).toHaveBeenCalledTimes(1)
    expect(await take()).toBe('ok')
    expect(recovered).toHaveBeenCalledTimes(3)
  })
})
