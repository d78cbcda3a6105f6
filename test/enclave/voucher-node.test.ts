import { addressOf, authDigest, randomBytes32 } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { askRelease, owedOf } from './setting/ask-release.ts'
import { servingDomain } from './setting/deployment.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import { chatBody, errorOf, readJsonAnswer, readStreamAnswer } from './setting/test-client.ts'
import { VoucherClient } from './setting/voucher-client.ts'

afterAll(cleanUp)

/** A whole node, and a client whose channel is paid by vouchers. */

const BODY = chatBody()

async function started(
  setting: Parameters<typeof startNode>[0] = {},
): Promise<Running & { readonly client: VoucherClient }> {
  const running = await startNode(setting)
  return { ...running, client: new VoucherClient(running.chain, running.node.bindingId) }
}

test('answers in a channel of vouchers with a receipt as always, whole and streamed', async () => {
  const { client, fetch } = await started()
  const signed = client.sign(BODY)
  const { receipt } = await readJsonAnswer(await fetch(client.request(BODY, signed)), signed.salt)
  expect(receipt.receipt.authHash).toBe(authDigest(signed.auth, servingDomain))
  const body = chatBody({ stream: true })
  const streamed = client.sign(body)
  const answer = await readStreamAnswer(await fetch(client.request(body, streamed)), streamed.salt)
  expect(answer.receipt.receipt.authHash).toBe(authDigest(streamed.auth, servingDomain))
})

test('says what a voucher has to be', async () => {
  const { client, fetch } = await started()
  const signed = client.sign(BODY, { cumulative: 999n })
  expect(await errorOf(await fetch(client.request(BODY, signed)))).toMatchObject({
    status: 402,
    code: 'voucher_too_low',
    message: 'voucher: expected 1000 wei at least, got 999',
  })
})

test('takes a voucher by itself, of a channel it knows, by its key', async () => {
  const { client, fetch, chain } = await started()
  const posted = async (request: Request): Promise<unknown> => {
    const response = await fetch(request)
    return response.status === 200 ? response.json() : (await errorOf(response)).code
  }
  expect(await posted(client.bring(40n))).toBe('channel_not_usable')
  await (await fetch(client.request(BODY))).text()
  const { channelId } = client
  const asked = chain.calls.length
  expect(await posted(client.bring(40n))).toEqual({ channelId, charged: '40' })
  expect(await posted(client.bring(40n, new Uint8Array(32).fill(1)))).toBe('voucher_invalid')
  const init = { method: 'POST', body: '{}' }
  expect(await posted(new Request('http://node.test/v1/voucher', init))).toBe('invalid_request')
  // Strangers make it ask the chain for nothing.
  expect(chain.calls.length).toBe(asked)
})

test('N11 a release brings the last voucher, and the node is paid exactly that', async () => {
  const running = await started({ config: { settleIntervalMs: 20 } })
  const { client, chain, fetch } = running
  await (await fetch(client.request(BODY))).text()
  const { channelId } = client
  const { cumulative, signature } = client.voucher(40n)
  const more = { voucher: { cumulative: cumulative.toString(), signature } }
  expect(await owedOf(running, { paid: 40n, more })).toEqual({ channelId, owed: '40' })
  await until(async () => {
    const { owed } = (await owedOf(running)) as { owed: string }
    return owed === '0'
  })
  expect((await chain.channel(channelId)).spent).toBe(40n)
  expect(chain.settledVouchers).toMatchObject([{ cumulative: 40n }])
})

test('N11 a release with a voucher that is not of the channel, or of one of receipts, holds nothing', async () => {
  const running = await started()
  const { client, fetch } = running
  const { cumulative, signature } = client.voucher(40n, new Uint8Array(32).fill(1))
  const more = { voucher: { cumulative: cumulative.toString(), signature } }
  expect(await errorOf(await askRelease(running, { more }))).toMatchObject({
    status: 401,
    code: 'voucher_invalid',
  })
  expect((await fetch(client.request(BODY))).status).toBe(200)
  const receipts = await startNode()
  const refused = await errorOf(await askRelease(receipts, { more }))
  expect(refused).toMatchObject({ status: 401, code: 'voucher_invalid' })
})

test('E4 a stream that is cut is charged for what was handed out', async () => {
  const running = await started({ config: { settleIntervalMs: 20 } })
  const { client, engine, fetch } = running
  engine.holdAt = 2
  const body = chatBody({ stream: true })
  const gone = new AbortController()
  const request = client.request(body)
  const response = await fetch(new Request(request, { signal: gone.signal }))
  const reader = response.body?.getReader()
  await reader?.read()
  gone.abort()
  await reader?.cancel()
  await until(async () => {
    const { owed } = (await owedOf(running)) as { owed: string }
    return Number(owed) < 1_000
  })
  engine.release()
})

test('N9 a node that is killed loses no voucher, and is paid by its next life', async () => {
  const running = await started()
  const { client, chain, fetch, clock } = running
  for (let at = 0; at < 3; at++) {
    const signed = client.sign(BODY)
    await (await fetch(client.request(BODY, signed))).text()
    client.ended(signed.auth.maxFee, 40n)
  }
  await fetch(client.bring(120n))
  // It is not told of its end.
  const after = await running.restart({ config: { settleIntervalMs: 20 } })
  await until(async () => (await chain.channel(client.channelId)).spent > 0n)
  expect(chain.settledVouchers).toMatchObject([{ cumulative: 120n }])
  clock.pass(60)
  const late = client.sign(BODY, { validUntil: chain.now() + 3_599n })
  expect((await after.fetch(client.request(BODY, late))).status).toBe(200)
})

test('P20 the last voucher may be by the key that took the place of the one before', async () => {
  const running = await started()
  const { client, chain, fetch } = running
  await (await fetch(client.request(BODY))).text()
  const { channelId } = client
  const key = randomBytes32()
  const channel = await chain.channel(channelId)
  chain.replacedKeys.add(channel.sessionKey)
  chain.channels.set(channelId, { ...channel, sessionKey: addressOf(key) })
  const { cumulative, signature } = client.voucher(40n, key)
  const more = { voucher: { cumulative: cumulative.toString(), signature } }
  await owedOf(running, { paid: 40n, key, more })
  await until(async () => (await chain.channel(channelId)).spent > 0n)
  expect((await chain.channel(channelId)).spent).toBe(40n)
})
