import { describe, expect, test } from 'vitest'
import { parseAuthorization } from '@jeju/verifier/protocol'
import { jsonAnswer } from './network/signed-answer.ts'
import { paid } from './network/paid-network.ts'
import { paying, payingNetwork, type PayingNetwork } from './network/paying-network.ts'
import { honest } from './network/test-connection.ts'
import type { TestNetwork } from './network/test-network.ts'

// `max_price` at a gateway that pays. The route is chosen by what the registry last said, and a channel is charged at the
// price of its opening: neither has to be the other.

const prompt = (maxPrice: object): string =>
  JSON.stringify({ model: 'enclave-mini', messages: [], provider: { max_price: maxPrice } })

/** The price from now on, as the registry has it; the gateway learns of it with its next look. */
function reprice(
  { chain }: TestNetwork,
  inPerMTok: bigint,
  outPerMTok: bigint,
  agentId = 0n,
): void {
  const state = chain.providers.get(agentId)
  if (state === undefined) throw new Error('a provider')
  const services = state.services.map(({ price, ...service }) => ({
    ...service,
    price: { ...price, inPerMTok, outPerMTok },
  }))
  chain.providers.set(agentId, { ...state, services })
}

async function refusalOf(response: Response): Promise<unknown> {
  const { error }: { error: { code: string; param: string } } = await response.json()
  return [response.status, error.code, error.param]
}

describe('F1 nobody pays more than he said', () => {
  test('where the channel was opened at a price above that of now', async () => {
    const { network } = await paying()
    expect((await network.withKey()).status).toBe(200)
    reprice(network, 2n, 3n)
    await network.update()
    const refused = await network.withKey(prompt({ prompt: '2', completion: '3' }))
    expect(await refusalOf(refused)).toEqual([
      412,
      'no_provider_allowed',
      'provider.max_price.prompt',
    ])
    const other = await network.withKey(prompt({ prompt: '5', completion: '6' }))
    expect(await refusalOf(other)).toEqual([
      412,
      'no_provider_allowed',
      'provider.max_price.completion',
    ])
    expect(network.connection.prompts).toHaveLength(1)
    expect(network.own.opened).toHaveLength(1)
    expect(await network.spent()).toBe(1n)
    // What the channel costs is allowed, and so it pays.
    expect((await network.withKey(prompt({ prompt: '5', completion: '7' }))).status).toBe(200)
  })

  test('where a change that was announced takes effect between a look at the registry and the prompt', async () => {
    const { network } = await paying()
    reprice(network, 50n, 70n)
    const body = prompt({ prompt: '5', completion: '7' })
    expect(await refusalOf(await network.withKey(body))).toEqual([
      412,
      'no_provider_allowed',
      'provider.max_price.prompt',
    ])
    expect(network.own.locked).toEqual([])
    expect(network.connection.prompts).toEqual([])
    expect(await network.spent()).toBe(0n)
  })

  test('in a header, too, and by vouchers', async () => {
    const { network } = await paying({ mode: 'VOUCHER' })
    expect((await network.withKey()).status).toBe(200)
    reprice(network, 2n, 3n)
    await network.update()
    const routing = JSON.stringify({ provider: { max_price: { completion: 3 } } })
    const headers = { authorization: 'Bearer jk-a-key-of-alice', 'compute-routing': routing }
    const refused = await network.post('{"model":"enclave-mini","messages":[]}', headers)
    expect(await refusalOf(refused)).toEqual([
      412,
      'no_provider_allowed',
      'provider.max_price.completion',
    ])
    // Nothing of it was signed for: the next voucher is for what was answered, and for itself.
    expect((await network.withKey()).status).toBe(200)
    expect(vouchersOf(network)).toEqual([1n, 2n])
  })

  test('another node that costs no more answers', async () => {
    const network = payingNetwork({})
    for (const agentId of [0n, 1n]) {
      network.add({ agentId }, (self) =>
        honest(self, (request) => jsonAnswer(self, request, `{"from":"${agentId}"}`)),
      )
    }
    await network.update()
    const only = { model: 'enclave-mini', messages: [], provider: { only: ['0'] } }
    expect((await network.withKey(JSON.stringify(only))).status).toBe(200)
    // Its channel still costs 5 and 7, though it comes first now.
    reprice(network, 1n, 1n)
    reprice(network, 4n, 6n, 1n)
    await network.update()
    const provider = { sort: 'price', max_price: { prompt: '4', completion: '6' } }
    const answered = await network.withKey(JSON.stringify({ ...only, provider }))
    expect([answered.status, await answered.text()]).toEqual([200, '{"from":"1"}'])
  })

  test('nor does somebody who pays by x402, whose payment is not settled', async () => {
    const { network, facilitator } = await paid()
    const first = await network.pay(await network.payment())
    expect(first.status).toBe(200)
    const settled = facilitator.asked.filter((path) => path === '/settle').length
    reprice(network, 2n, 3n)
    await network.update()
    const routing = { provider: { max_price: { prompt: '2' } } }
    const refused = await network.pay(await network.payment(), routing)
    expect(await refusalOf(refused)).toEqual([
      412,
      'no_provider_allowed',
      'provider.max_price.prompt',
    ])
    expect(facilitator.asked.filter((path) => path === '/settle')).toHaveLength(settled)
    expect(network.unpaid()).toBe(0n)
  })
})

function vouchersOf({ connection }: PayingNetwork): readonly (bigint | undefined)[] {
  return connection.prompts.map(
    ({ headers }) =>
      parseAuthorization(String(headers['compute-authorization'])).voucher?.cumulative,
  )
}
