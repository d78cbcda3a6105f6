import { hashTypedData } from 'viem'
import { describe, expect, onTestFinished, test } from 'vitest'
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
import { createLogger } from '../../gateway/src/logging.ts'
import { parseAccounts } from '../../gateway/src/sponsor/accounts.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import type { SharedState } from '../../gateway/src/state/shared-state.ts'
import { haveRedis, startRedis } from '../servers/redis.ts'
import { servingDomain } from './network/deployment.ts'
import { SPONSOR } from './network/own-channels.ts'
import {
  BODY,
  KEY,
  KEY_OF_BOB,
  paying,
  payingNetwork,
  sha256,
  WALLET_KEY,
} from './network/paying-network.ts'
import { jsonAnswer, streamAnswer } from './network/signed-answer.ts'
import {
  answer,
  evidenceAnswer,
  honest,
  nonceOf,
  silent,
  type Responder,
} from './network/test-connection.ts'
import { codeOf, LIMITS } from './network/test-network.ts'

/** What BODY costs at most at 5 and 7 wei per million tokens: far below a wei, so one. */
const MAX_FEE = 1n
const DAY_MS = 24 * 3600_000

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

describe('N3 budgets', () => {
  test('are never exceeded, whatever comes at once', async () => {
    const { network } = await paying({ budget: 5n })
    const answers = await Promise.all(Array.from({ length: 12 }, () => network.withKey()))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
    const refused = answers.find(({ status }) => status !== 200)
    expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await codeOf(refused ?? new Response())).toBe('budget_exhausted')
    expect(network.connection.prompts).toHaveLength(5)
  })

  test('begin anew each day', async () => {
    const { network } = await paying({ budget: 1n })
    expect((await network.withKey()).status).toBe(200)
    expect((await network.withKey()).status).toBe(402)
    network.nowMs = Math.ceil(network.nowMs / DAY_MS) * DAY_MS + 1
    await network.update()
    expect((await network.withKey()).status).toBe(200)
  })

  test('get back what a refusal did not cost, and not what may have been charged', async () => {
    let way: Responder = () => answer([], {}, 400)
    const { network } = await paying({ budget: 1n }, (self) =>
      honest(self, (request) => way(request)),
    )
    expect((await network.withKey()).status).toBe(400)
    way = () =>
      Promise.reject(Object.assign(new Error('reset'), { code: 'UND_ERR_HEADERS_TIMEOUT' }))
    expect((await network.withKey()).status).toBe(502)
    await network.update()
    network.pass(1)
    await network.update()
    expect(await codeOf(await network.withKey())).toBe('budget_exhausted')
  })

  test('reset_then_refused_connection_is_not_refunded: the node may have signed before', async () => {
    const codes = ['ECONNRESET', 'ECONNREFUSED']
    const { network } = await paying({ budget: 2n }, (self) =>
      honest(self, () => Promise.reject(Object.assign(new Error(), { code: codes.shift() }))),
    )
    expect((await network.withKey()).status).toBe(502)
    expect(network.connection.prompts).toHaveLength(2)
    expect(await network.spent()).toBe(1n)
  })

  test('reset_then_refused_request_is_not_refunded', async () => {
    let times = 0
    const { network } = await paying({ budget: 2n }, (self) =>
      honest(self, () => {
        if (times++ > 0) return answer([], {}, 400)
        return Promise.reject(Object.assign(new Error(), { code: 'ECONNRESET' }))
      }),
    )
    expect((await network.withKey()).status).toBe(400)
    expect(await network.spent()).toBe(1n)
  })

  test.each([400, 429, 500])(
    'front_turns_answer_into_%i_is_not_refunded: TLS does not end in the node',
    async (status) => {
      const network = payingNetwork({ budget: 2n })
      network.add({ tls: false, endpoint: 'http://127.0.0.1:8000' }, (self) =>
        honest(self, () => answer([], { 'retry-after': '30' }, status)),
      )
      await network.update()
      expect((await network.withKey()).status).toBe(status)
      expect(await network.spent()).toBe(1n)
    },
  )

  test('silent_nodes_multiply_the_cap: all attempts together cost what one request may', async () => {
    const network = payingNetwork({ limits: { failoverAfterMs: 50 } })
    for (const agentId of [0n, 1n, 2n]) network.add({ agentId }, silent)
    await network.update()
    const refused = await network.signed({ maxFee: MAX_FEE })
    expect([refused.status, await codeOf(refused)]).toEqual([502, 'provider_unavailable'])
    expect(network.connection.prompts).toHaveLength(1)
    expect(await network.spent()).toBe(MAX_FEE)
  })

  test('a node that could not be reached leaves the cap to the next', async () => {
    const network = payingNetwork({})
    for (const agentId of [0n, 1n, 2n]) {
      network.add({ agentId }, (self) =>
        honest(self, () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))),
      )
    }
    await network.update()
    expect((await network.signed({ maxFee: MAX_FEE })).status).toBe(502)
    expect(network.connection.prompts).toHaveLength(3)
    expect(await network.spent()).toBe(0n)
  })

  test('a lie costs what was signed for, and is not delivered', async () => {
    const { network } = await paying({ budget: 1n }, (self) =>
      honest(self, (request) => jsonAnswer(self, request, '{}', { content: { model: 'other' } })),
    )
    expect(await codeOf(await network.withKey())).toBe('response_not_verified')
    expect(await network.spent()).toBe(1n)
  })

  test('another node is paid when the first cannot be reached', async () => {
    const { network } = await paying({ budget: 2n })
    network.add({ agentId: 1n }, (self) => async (request) => {
      if (request.method === 'GET') return evidenceAnswer(await self.evidence(nonceOf(request)))
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    })
    await network.update()
    for (let at = 0; at < 2; at++) expect((await network.withKey()).status).toBe(200)
    expect(await network.spent()).toBe(2n)
  })

  test('a wallet that cannot lock any more money pays nothing', async () => {
    const { network } = await paying()
    network.own.down = true
    const refused = await network.withKey()
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'sponsor_unavailable'])
    expect(await network.spent()).toBe(0n)
  })

  test('limits of an account are its own', async () => {
    const { network } = await paying({
      limits: { wallet: { requestsPerMinute: 1, concurrent: 9 } },
    })
    expect((await network.withKey()).status).toBe(200)
    expect(await codeOf(await network.withKey())).toBe('rate_limited')
    expect((await network.withKey(BODY, KEY_OF_BOB)).status).toBe(200)
    expect(await codeOf(await network.withKey(BODY, KEY_OF_BOB))).toBe('rate_limited')
  })
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

describe.runIf(haveRedis)('with replicas', () => {
  test('a budget and a nonce are one, and nothing is paid while they cannot be counted', async () => {
    const server = await startRedis()
    const open = (): SharedState => {
      const options = { url: server.url, prefix: 'jeju:accounts', limit: LIMITS.wallet }
      const logger = createLogger('silent')
      const state = connectRedis({ ...options, evidenceMs: 600_000, logger })
      onTestFinished(() => state.close())
      return state
    }
    const { network: a } = await paying({ budget: 2n, shared: open() })
    const { chain, connection } = a
    const b = payingNetwork({ budget: 2n, shared: open(), chain, connection })
    await b.update()
    expect((await a.signed({ nonce: 1n })).status).toBe(200)
    expect(await codeOf(await b.signed({ nonce: 1n }))).toBe('authorization_invalid')
    expect((await b.withKey()).status).toBe(200)
    expect(await codeOf(await a.withKey())).toBe('budget_exhausted')
    await server.process.kill()
    const refused = await b.withKey()
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'shared_state_unavailable'])
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

describe('an accounts file', () => {
  const one = { name: 'alice', budgetPerDay: '5', keySha256: sha256(KEY) }
  const text = (...accounts: readonly object[]): string => JSON.stringify({ accounts })

  test('names each name, key and wallet once', () => {
    expect(parseAccounts(text(one)).byKey(KEY)).toEqual({ name: 'alice', budgetPerDay: 5n })
    expect(() => parseAccounts(text(one, one))).toThrow('a name stands twice')
    expect(() => parseAccounts(text(one, { ...one, name: 'bob' }))).toThrow('keySha256')
  })

  test.each([
    ['no budget', { name: 'alice', keySha256: sha256(KEY) }],
    ['a budget that is no whole number', { ...one, budgetPerDay: '1.5' }],
    ['a budget that cannot be counted', { ...one, budgetPerDay: (2n ** 63n).toString() }],
    ['neither key nor wallet', { name: 'alice', budgetPerDay: '5' }],
    ['a key itself', { ...one, keySha256: KEY }],
    ['an unknown member', { ...one, admin: true }],
    ['a name that is no word', { ...one, name: 'Alice:' }],
  ])('%s is refused', (_name, account) => {
    expect(() => parseAccounts(text(account))).toThrow('accounts.0')
  })

  test('what is no JSON is refused', () => expect(() => parseAccounts('{')).toThrow())
})
