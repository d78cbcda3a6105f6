import { hashTypedData } from 'viem'
import { describe, expect, test } from 'vitest'
import {
  accountRequestDigest,
  encodeAccountRequest,
  parseAccountRequest,
  parseAuthorization,
  randomBytes32,
  toHex,
  utf8,
} from '@jeju/verifier/protocol'
import type { AccountHeaderOptions } from '@jeju/sdk'
import { servingDomain } from './network/deployment.ts'
import { SPONSOR } from './network/own-channels.ts'
import { BODY, KEY, paying, payingNetwork, WALLET_KEY } from './network/paying-network.ts'
import { streamAnswer } from './network/signed-answer.ts'
import { honest } from './network/test-connection.ts'
import { codeOf } from './network/test-network.ts'

/** What BODY costs at most at 5 and 7 wei per million tokens: far below a wei, so one. */
const MAX_FEE = 1n

describe('an account with an API key', () => {
  test('is answered by a verified node, paid by the gateway; the answer is judged as any other', async () => {
    const { network, node } = await paying()
    const response = await network.withKey()
    expect([response.status, response.headers.get('compute-verdict')]).toEqual([200, 'verified'])
    const [sent] = network.connection.prompts
    const { auth, signature } = parseAuthorization(String(sent?.headers['compute-authorization']))
    expect(auth).toMatchObject({ bindingId: node.bindingId, channelId: network.own.opened[0] })
    expect(auth.maxFee).toBe(MAX_FEE)
    expect(signature).toHaveLength(132)
    // Nothing of the key travels.
    expect(JSON.stringify(sent?.headers)).not.toContain(KEY)
    expect(network.log.join('')).not.toContain(KEY)
  })

  test('streams too', async () => {
    const frames = ['data: {"choices":[]}\n\n']
    const { network } = await paying({}, (self) =>
      honest(self, (request) => streamAnswer(self, request, frames)),
    )
    const response = await network.withKey(BODY.replace('}', ',"stream":true}').replace('[]', '[]'))
    expect(await response.text()).toContain('[DONE]')
  })

  test('one channel pays for many requests, and is topped up', async () => {
    const { network } = await paying()
    for (let at = 0; at < 3; at++) expect((await network.withKey()).status).toBe(200)
    expect(network.own.locked).toEqual([10_000n])
    const nonces = network.connection.prompts.map(
      ({ headers }) => parseAuthorization(String(headers['compute-authorization'])).auth.nonce,
    )
    expect(new Set(nonces).size).toBe(3)
  })

  test.each([
    ['another key', { authorization: 'Bearer jk-other' }, 401, 'account_unknown'],
    ['no key', {}, 402, 'authorization_missing'],
    ['another scheme', { authorization: 'Basic abc' }, 402, 'authorization_missing'],
  ])('%s is nobody’s', async (_name, headers, status, code) => {
    const { network } = await paying()
    const refused = await network.post(BODY, headers)
    expect([refused.status, await codeOf(refused)]).toEqual([status, code])
    expect(network.connection.prompts).toEqual([])
  })

  test.each([
    ['a model that nobody offers', '{"model":"other","messages":[]}', 503, 'provider_not_admitted'],
    ['no model', '{"messages":[]}', 400, 'invalid_request'],
    ['no JSON', 'hello', 400, 'invalid_request'],
  ])('%s', async (_name, body, status, code) => {
    const { network } = await paying()
    const refused = await network.withKey(body)
    expect([refused.status, await codeOf(refused)]).toEqual([status, code])
    expect(network.own.opened).toEqual([])
  })

  test('a sealed body has to be paid by its sealer', async () => {
    const { network } = await paying()
    const headers = { authorization: `Bearer ${KEY}`, 'ehbp-encapsulated-key': 'ab' }
    expect(await codeOf(await network.post(BODY, headers))).toBe('invalid_request')
  })

  test('a caller’s own authorisation comes first', async () => {
    const { network, node } = await paying()
    const headers = { authorization: 'Bearer none' }
    expect((await network.ask(node.bindingId, { headers })).status).toBe(200)
    expect(network.own.opened).toEqual([])
  })

  test('F2 nothing is signed for a node without a lease', async () => {
    const { network, node } = await paying()
    network.chain.bindings.set(node.bindingId, { valid: false, agentId: 0n, validUntil: 2n ** 40n })
    await network.update()
    expect(await codeOf(await network.withKey())).toBe('provider_not_admitted')
    expect(network.own.opened).toEqual([])
  })
})

test.each([
  ['TLS ends somewhere else', { tls: false }],
  ['it takes sealed prompts only', { prompts: 'sealed' as const }],
])('plain_prompts_reach_unverified_parties: no node is sent one where %s', async (_name, other) => {
  const network = payingNetwork({})
  network.add(other)
  await network.update()
  expect((await network.only()).admitted).toBe(true)
  expect(await codeOf(await network.withKey())).toBe('provider_not_admitted')
  expect(network.connection.prompts).toEqual([])
  expect(network.own.opened).toEqual([])
})

describe('an account of a wallet', () => {
  test('signs for one request to this gateway', async () => {
    const { network } = await paying()
    expect((await network.signed({})).status).toBe(200)
    expect((await network.signed({})).status).toBe(200)
  })

  test('F14 auth_for_other_gateway_rejected, and whatever else was not signed', async () => {
    const { network } = await paying()
    const nowS = BigInt(Math.floor(network.nowMs / 1000))
    const cases: readonly (readonly [
      Partial<AccountHeaderOptions>,
      Uint8Array<ArrayBuffer>,
      string,
    ])[] = [
      [{ gateway: `0x${'ab'.repeat(20)}` }, WALLET_KEY, 'authorization_invalid'],
      [{ validUntil: nowS }, WALLET_KEY, 'authorization_expired'],
      [{ validUntil: nowS + 3_601n }, WALLET_KEY, 'authorization_expired'],
      [{ body: utf8(BODY.replace('10', '11')) }, WALLET_KEY, 'request_hash_mismatch'],
      [{}, randomBytes32(), 'account_unknown'],
    ]
    for (const [changes, key, code] of cases) {
      expect(await codeOf(await network.signed(changes, key))).toBe(code)
    }
    expect(network.own.opened).toEqual([])
  })

  test('N9 a request is served once', async () => {
    const { network } = await paying()
    expect((await network.signed({ nonce: 1n })).status).toBe(200)
    const again = await network.signed({ nonce: 1n })
    expect([again.status, await codeOf(again)]).toEqual([401, 'authorization_invalid'])
  })

  test('pays no more than it signed for', async () => {
    const { network } = await paying()
    await network.signed({ maxFee: 0n })
    const [sent] = network.connection.prompts
    expect(parseAuthorization(String(sent?.headers['compute-authorization'])).auth.maxFee).toBe(0n)
  })
})

test('what a wallet signs is EIP-712 as wallets show it', () => {
  const message = {
    gateway: SPONSOR,
    requestHash: toHex(randomBytes32()),
    maxFee: 2n ** 127n,
    nonce: 2n ** 255n,
    validUntil: 1_900_000_000n,
  } as const
  const { chainId, verifyingContract } = servingDomain
  const digest = hashTypedData({
    domain: { name: 'Jeju Compute Gateway', version: '1', chainId, verifyingContract },
    types: {
      AccountRequest: [
        { name: 'gateway', type: 'address' },
        { name: 'requestHash', type: 'bytes32' },
        { name: 'maxFee', type: 'uint128' },
        { name: 'nonce', type: 'uint256' },
        { name: 'validUntil', type: 'uint64' },
      ],
    },
    primaryType: 'AccountRequest',
    message,
  })
  expect(accountRequestDigest(message, servingDomain)).toBe(digest)
  const signed = {
    request: message,
    salt: toHex(randomBytes32()),
    signature: `0x${'1b'.repeat(65)}` as const,
  }
  expect(parseAccountRequest(encodeAccountRequest(signed))).toEqual(signed)
})
