import fc from 'fast-check'
import {
  authDigest,
  encodeAuthorization,
  MAX_AUTH_LIFE_S,
  randomBytes32,
  requestHash,
  signDigest,
  toHex,
  utf8,
  type ContractDomain,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { ChainError, type Channel } from '../../enclave/src/chain/node-chain.ts'
import type { Authoriser } from '../../enclave/src/payment/authorise.ts'
import { earlierLifeEnd } from '../../enclave/src/payment/earlier-life.ts'
import { servingDomain } from './setting/deployment.ts'
import {
  BINDING,
  closeStores,
  NOW_S,
  openPayment,
  refusalOf,
  stillNow,
  type PaymentSetting,
} from './setting/payment.ts'
import { cleanUp } from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'
import { CHAT_PATH, chatBody, digestOf, TestClient } from './setting/test-client.ts'

afterAll(async () => {
  await closeStores()
  await cleanUp()
})

const BODY = chatBody()

interface Setting extends PaymentSetting {
  readonly client: TestClient
  check(signed: SignedRequestAuth): ReturnType<Authoriser['check']>
  /** `ok`, or the code of the refusal; takes nothing. */
  codeOf(signed: SignedRequestAuth): Promise<string>
}

async function open(locked?: bigint, earlierLifeEnd?: bigint): Promise<Setting> {
  const payment = await openPayment({ earlierLifeEnd })
  const client = new TestClient(payment.chain, BINDING, locked)
  const check: Setting['check'] = (signed) =>
    payment.authoriser.check(encodeAuthorization(signed), 'POST', CHAT_PATH, utf8(BODY))
  return {
    ...payment,
    client,
    check,
    codeOf: (signed) => check(signed).then(() => 'ok', refusalOf),
  }
}

describe('who and what an authorisation is for', () => {
  test('F14 auth_for_other_node_rejected: another node, chain or contract is another audience', async () => {
    const { client, codeOf } = await open()
    const forDomain = (changes: Partial<ContractDomain>): SignedRequestAuth => {
      const signed = client.sign(BODY)
      const digest = authDigest(signed.auth, { ...servingDomain, ...changes })
      return { ...signed, signature: signDigest(digest, client.sessionKey) }
    }
    expect(await codeOf(forDomain({}))).toBe('ok')
    expect(await codeOf(client.sign(BODY, { bindingId: digestOf('a sibling') }))).toBe(
      'wrong_binding',
    )
    expect(await codeOf(forDomain({ chainId: 1n }))).toBe('authorization_invalid')
    const verifyingContract = `0x${'b6'.repeat(20)}` as const
    expect(await codeOf(forDomain({ verifyingContract }))).toBe('authorization_invalid')
  })

  test('F14 a renamed binding does not carry the signature over', async () => {
    const { client, codeOf } = await open()
    const elsewhere = client.sign(BODY, { bindingId: digestOf('a sibling') })
    const renamed = { ...elsewhere, auth: { ...elsewhere.auth, bindingId: BINDING } }
    expect(await codeOf(renamed)).toBe('authorization_invalid')
  })

  test('N3 every signed field is covered by the signature', async () => {
    const { client, codeOf } = await open()
    const signed = client.sign(BODY)
    const { maxFee, nonce, validUntil } = signed.auth
    const changes = [
      { maxFee: maxFee - 1n },
      { nonce: nonce + 9n },
      { validUntil: validUntil - 1n },
    ]
    for (const change of changes) {
      const changed = { ...signed, auth: { ...signed.auth, ...change } }
      expect(await codeOf(changed)).toBe('authorization_invalid')
    }
  })

  test('N3 auth_body_swap_rejected: method and path are part of the request', async () => {
    const { client, codeOf } = await open()
    const signed = client.sign(BODY)
    for (const [method, path] of [
      ['GET', CHAT_PATH],
      ['POST', '/v1/completions'],
    ] as const) {
      const hash = requestHash(signed.salt, method, path, utf8(BODY))
      expect(await codeOf({ ...client.sign(BODY, { requestHash: hash }), salt: signed.salt })).toBe(
        'request_hash_mismatch',
      )
    }
  })

  test('N3 malformed_signature_is_401: two headers are none', async () => {
    const { client, authoriser } = await open()
    const headers = new Headers()
    const name = 'compute-authorization'
    for (let time = 0; time < 2; time++)
      headers.append(name, encodeAuthorization(client.sign(BODY)))
    const both = headers.get(name) ?? undefined
    await expect(authoriser.check(both, 'POST', CHAT_PATH, utf8(BODY))).rejects.toMatchObject({
      code: 'authorization_invalid',
    })
  })
})

describe('bounds of an authorisation', () => {
  test('its life ends with its last second, and is an hour at most', async () => {
    const { client, codeOf } = await open()
    const at = (validUntil: bigint): Promise<string> => codeOf(client.sign(BODY, { validUntil }))
    expect(await at(NOW_S)).toBe('ok')
    expect(await at(NOW_S + MAX_AUTH_LIFE_S)).toBe('ok')
    for (const validUntil of [0n, NOW_S - 1n, NOW_S + MAX_AUTH_LIFE_S + 1n, 2n ** 64n - 1n]) {
      expect([validUntil, await at(validUntil)]).toEqual([validUntil, 'authorization_expired'])
    }
  })

  test('N11 settles_before_close: a closing channel needs more than a quarter of an hour', async () => {
    const { chain, client, codeOf } = await open()
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    const withState = (changes: Partial<Channel>): Promise<string> => {
      chain.channels.set(client.channelId, { ...channel, ...changes })
      return codeOf(client.sign(BODY))
    }
    expect(await withState({ state: 'closing', closeAt: NOW_S + 901n })).toBe('ok')
    const unusable: readonly Partial<Channel>[] = [
      { state: 'closing', closeAt: NOW_S + 900n },
      { state: 'closing', closeAt: 0n },
      { state: 'closed', closeAt: NOW_S + 901n },
      { state: 'none' },
    ]
    for (const changes of unusable) expect(await withState(changes)).toBe('channel_not_usable')
  })

  test('a session key that was exchanged on chain counts from then on', async () => {
    const { chain, client, codeOf } = await open()
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    expect(await codeOf(client.sign(BODY))).toBe('ok')
    const other = new TestClient(chain, BINDING)
    const sessionKey = chain.channels.get(other.channelId)?.sessionKey ?? channel.sessionKey
    chain.channels.set(client.channelId, { ...channel, sessionKey })
    expect(await codeOf(client.sign(BODY))).toBe('authorization_invalid')
    expect(await codeOf(client.sign(BODY, { key: other.sessionKey }))).toBe('ok')
  })
})

describe('the chain is asked for each request', () => {
  test('N9 rollback_rechecks_chain: a nonce that was paid is used, whatever the disk says', async () => {
    const { chain, client, codeOf } = await open()
    const signed = client.sign(BODY)
    const { channelId, bindingId, nonce } = signed.auth
    chain.usedNonces.add(`${channelId}/${bindingId}/${nonce}`)
    expect(await codeOf(signed)).toBe('authorization_already_used')
    expect(await codeOf(client.sign(BODY))).toBe('ok')
  })

  test.each(['channel', 'isNonceUsed', 'price'] as const)(
    'N9 no answer to %s is chain_unavailable, and nothing is served on a guess',
    async (method) => {
      const { chain, client, codeOf, journal } = await open()
      const works = chain[method].bind(chain)
      const failing = (): Promise<never> =>
        Promise.reject(new ChainError('CHAIN_UNAVAILABLE', 'HTTP request failed.'))
      Object.assign(chain, { [method]: failing })
      const signed = client.sign(BODY)
      expect(await codeOf(signed)).toBe('chain_unavailable')
      expect(journal.reserved(client.channelId)).toBe(0n)
      Object.assign(chain, { [method]: works })
      expect(await codeOf(signed)).toBe('ok')
    },
  )

  test('a fault that is not the chain is not called one', async () => {
    const { chain, client, check } = await open()
    Object.assign(chain, { channel: () => Promise.reject(new TypeError('a fault')) })
    await expect(check(client.sign(BODY))).rejects.toThrow(TypeError)
  })
})

describe('an earlier life of the node', () => {
  test('N9 what it can have taken is refused to the second, and told when to come back', async () => {
    const end = NOW_S + 3_000n
    const { check, client } = await open(undefined, end)
    const sign = (validUntil: bigint) => client.sign(BODY, { validUntil })
    await expect(check(sign(end))).rejects.toMatchObject({ code: 'not_ready', retryAfterS: 1 })
    await expect(check(sign(end - 9n))).rejects.toMatchObject({
      code: 'not_ready',
      retryAfterS: 10,
    })
    expect((await check(sign(end + 1n))).priceVersion).toBe(1)
  })

  test('N9 there was one when the binding was ever granted, and its end counts from the later clock', async () => {
    const chain = new TestChain(stillNow)
    expect(await earlierLifeEnd(chain, BINDING, stillNow())).toBeUndefined()
    const signer = `0x${'11'.repeat(20)}` as const
    const row = { valid: false, validUntil: 1n, revoked: true, blockNumber: 1n, signer }
    const granted = { ...row, evidenceHash: BINDING }
    chain.bindings.set(BINDING, granted)
    expect(await earlierLifeEnd(chain, BINDING, stillNow())).toBe(NOW_S + 3_600n)
    expect(await earlierLifeEnd(chain, BINDING, new Date(0))).toBe(NOW_S + 3_600n)
    const ahead = new Date(stillNow().getTime() + 60_000)
    expect(await earlierLifeEnd(chain, BINDING, ahead)).toBe(NOW_S + 3_660n)
  })
})

describe('taking an authorisation', () => {
  test('checking reserves nothing, taking does, and once', async () => {
    const { authoriser, check, client, journal } = await open()
    const signed = client.sign(BODY)
    const first = await check(signed)
    const second = await check(signed)
    expect(journal.reserved(client.channelId)).toBe(0n)
    await (
      await authoriser.take(first)
    ).onDisk
    expect(journal.reserved(client.channelId)).toBe(1_000n)
    await expect(authoriser.take(second)).rejects.toMatchObject({
      code: 'authorization_already_used',
    })
    expect(journal.reserved(client.channelId)).toBe(1_000n)
  })

  test('N2 parallel_requests_cannot_overspend: whatever is asked at once, no more than is free is taken', async () => {
    const fees = fc.array(fc.bigInt({ min: 1n, max: 2_000n }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fees, fc.bigInt({ min: 0n, max: 6_000n }), async (maxFees, locked) => {
        const { authoriser, check, client, journal } = await open(locked)
        const taken = await Promise.all(
          maxFees.map(async (maxFee) => {
            const checked = await check(client.sign(BODY, { maxFee }))
            return authoriser.take(checked).then(() => maxFee, refusalOf)
          }),
        )
        const sum = taken.reduce<bigint>(
          (all, fee) => (typeof fee === 'bigint' ? all + fee : all),
          0n,
        )
        expect(sum).toBeLessThanOrEqual(locked)
        expect(journal.reserved(client.channelId)).toBe(sum)
        for (const [index, outcome] of taken.entries()) {
          if (typeof outcome === 'bigint') continue
          // A refusal had a reason: it did not fit beside what was taken.
          expect(outcome).toBe('insufficient_funds')
          expect(sum + (maxFees[index] ?? 0n)).toBeGreaterThan(locked)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('N9 a disk that fails takes nothing, and no second try passes', async () => {
    const { authoriser, check, client, store } = await open()
    const signed = client.sign(BODY)
    const checked = await check(signed)
    await store.close()
    await expect((await authoriser.take(checked)).onDisk).rejects.toThrow()
    await expect((await authoriser.take(checked)).onDisk).rejects.toThrow()
    const other = await check(client.sign(BODY, { key: client.sessionKey }))
    await expect((await authoriser.take(other)).onDisk).rejects.toThrow()
  })

  test('nobody without the session key learns or burns anything', async () => {
    const { check, codeOf, client, journal } = await open()
    const stranger = client.sign(BODY, { key: randomBytes32(), channelId: toHex(randomBytes32()) })
    expect(await codeOf(stranger)).toBe('channel_not_usable')
    const forged = client.sign(BODY, { key: randomBytes32(), nonce: 5n })
    expect(await codeOf(forged)).toBe('authorization_invalid')
    expect(journal.reserved(client.channelId)).toBe(0n)
    expect((await check(client.sign(BODY, { nonce: 5n }))).priceVersion).toBe(1)
  })
})
