import {
  encodeAuthorization,
  parseAuthorization,
  parseVoucher,
  recoverAddress,
  signVoucher,
  voucherDigest,
  type SignedRequestAuth,
  type VoucherPart,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { servingDomain } from './network/deployment.ts'
import { paying } from './network/paying-network.ts'
import { answer, honest } from './network/test-connection.ts'
import {
  authorizationFor,
  channelOf,
  codeOf,
  SESSION_KEY,
  TestNetwork,
} from './network/test-network.ts'

/** Waits for something that happens by itself. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not happen in 10 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const authorised = (headers: Readonly<Record<string, string>>): SignedRequestAuth =>
  parseAuthorization(String(headers['compute-authorization']))

describe('a gateway that pays by vouchers', () => {
  test('N2 24 prompts at once are signed for one by one, and then paid for exactly', async () => {
    const { network } = await paying({ mode: 'VOUCHER' })
    const answers = await Promise.all(Array.from({ length: 24 }, () => network.withKey()))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const { prompts } = network.connection
    const sums = prompts.map(({ headers }) => authorised(headers).voucher?.cumulative ?? 0n)
    // A maximum of one wei each: 24 different sums, up to all of them.
    expect(sums.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      Array.from({ length: 24 }, (_, at) => BigInt(at + 1)),
    )
    await until(() => network.connection.vouchers.length > 0)
    const [brought, ...more] = network.connection.vouchers
    expect(more).toEqual([])
    const voucher = parseVoucher(Buffer.from(brought?.body ?? []).toString())
    const [channelId] = network.own.opened
    expect(voucher).toMatchObject({ channelId, cumulative: 24n })
    expect(brought?.tlsKeys).toHaveLength(1)
    expect(brought?.tlsKeys).toEqual(prompts[0]?.tlsKeys)
    const [{ headers } = { headers: {} }] = prompts
    const { auth, voucher: first } = authorised(headers)
    const signers = [voucher, { channelId: auth.channelId, ...(first ?? voucher) }].map((one) =>
      recoverAddress(voucherDigest(one, servingDomain), one.signature),
    )
    expect(new Set(signers).size).toBe(1)
    expect(await network.spent()).toBe(24n)
  })

  test('a voucher that a node does not take is said, and nothing else comes of it', async () => {
    const { network } = await paying({ mode: 'VOUCHER' }, (node) => {
      const serve = honest(node)
      return (request) => (request.path === '/v1/voucher' ? answer([], {}, 500) : serve(request))
    })
    expect((await network.withKey()).status).toBe(200)
    await until(() => network.log.some((line) => line.includes('a voucher was not taken')))
    expect((await network.withKey()).status).toBe(200)
  })

  test('P19 a node that counts what somebody else has settled is paid from another channel', async () => {
    const { network } = await paying({ mode: 'VOUCHER' }, (node) => {
      const serve = honest(node)
      return (request) => {
        if (request.path !== '/v1/voucher') return serve(request)
        const { channelId } = parseVoucher(Buffer.from(request.body ?? []).toString())
        return answer([Buffer.from(JSON.stringify({ channelId, charged: '7' }))])
      }
    })
    expect((await network.withKey()).status).toBe(200)
    await network.gateway.finish()
    expect(network.log.join('')).toContain('a node counts more than its channel was charged')
    // Nothing was settled of it, so that it can be true.
    expect((await network.withKey()).status).toBe(200)
    expect(network.own.opened).toHaveLength(1)
    const [channelId] = network.own.opened
    if (channelId === undefined) throw new Error('a channel')
    network.own.settle(channelId, 1n)
    await network.gateway.finish()
    expect((await network.withKey()).status).toBe(200)
    expect(network.own.opened).toHaveLength(2)
  })

  test('what waits is brought when the gateway ends', async () => {
    const { network } = await paying({ mode: 'VOUCHER' })
    expect((await network.withKey()).status).toBe(200)
    expect(network.connection.vouchers).toHaveLength(0)
    await network.gateway.finish()
    expect(network.connection.vouchers).toHaveLength(1)
    await network.gateway.finish()
    expect(network.connection.vouchers).toHaveLength(1)
  })

  test('by receipts no voucher is signed, nor brought', async () => {
    const { network } = await paying()
    expect((await network.withKey()).status).toBe(200)
    const [sent] = network.connection.prompts
    expect(authorised(sent?.headers ?? {})).not.toHaveProperty('voucher')
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(network.connection.vouchers).toEqual([])
  })
})

describe('P19 mode_exclusive: a client with a channel of its own', () => {
  const BODY = '{"model":"enclave-mini","messages":[]}'

  async function asked(
    mode: 'receipt' | 'voucher',
    voucher: ((own: VoucherPart) => VoucherPart) | undefined,
  ): Promise<string | number> {
    const network = new TestNetwork()
    const node = network.add()
    await network.update()
    const channelId = channelOf(node.bindingId)
    const channel = network.chain.channels.get(channelId)
    if (channel === undefined) throw new Error('a channel')
    network.chain.channels.set(channelId, { ...channel, mode })
    const own = signVoucher({ channelId, cumulative: 1_000n }, servingDomain, SESSION_KEY)
    const signed = parseAuthorization(authorizationFor(node.bindingId, BODY))
    const { cumulative, signature } = own
    const text = encodeAuthorization(
      voucher === undefined ? signed : { ...signed, voucher: voucher({ cumulative, signature }) },
    )
    const response = await network.ask(node.bindingId, {
      headers: { 'compute-authorization': text },
    })
    if (response.status !== 200) {
      expect(network.connection.prompts).toEqual([])
      return codeOf(response)
    }
    // The node is shown what the client has signed, to the letter.
    expect(network.connection.prompts[0]?.headers['compute-authorization']).toBe(text)
    return response.status
  }

  test('pays by vouchers in one of vouchers', async () => {
    expect(await asked('voucher', (own) => own)).toBe(200)
    expect(await asked('voucher', undefined)).toBe('channel_unusable')
    const raised = (own: VoucherPart): VoucherPart => ({ ...own, cumulative: own.cumulative + 1n })
    expect(await asked('voucher', raised)).toBe('authorization_invalid')
  })

  test('and by receipts in one of receipts', async () => {
    expect(await asked('receipt', undefined)).toBe(200)
    expect(await asked('receipt', (own) => own)).toBe('authorization_invalid')
  })
})
