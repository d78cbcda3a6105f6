import type { Hex } from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import { chat, CHAT_URL, Market } from './market/market.ts'

// Two nodes of one agent and owner, of which the gateway passes prompts on to one.

const OPERATOR: Hex = `0x${'0e'.repeat(20)}`

test('of several nodes of an agent the one is verified and paid that the gateway passes prompts on to', async () => {
  const market = new Market([{ operator: OPERATOR }, { operator: OPERATOR }])
  const { bindingId } = market.nodes[1] ?? { bindingId: undefined }
  market.gateway.hints = [{ agentId: '0', admitted: true, lease: { bindingId } }]
  await (await market.fetch(CHAT_URL, chat())).text()
  expect(market.eventsOf('authorised')).toMatchObject([{ bindingId }])
  const asked = market.gateway.seen.filter(({ path }) => path.includes('/attestation'))
  expect(asked.map(({ path }) => path.split('&')[1])).toEqual([`binding_id=${bindingId}`])
})

test('evidence of another node than the one that is wanted pays nobody, good as it may be', async () => {
  const market = new Market([{ operator: OPERATOR }, { operator: OPERATOR }])
  const [given, wanted] = market.nodes
  const lease = { bindingId: wanted?.bindingId }
  market.gateway.hints = [{ agentId: '0', admitted: true, lease }]
  market.gateway.changeEvidence = (_evidence, _node, nonce) => given.evidence(nonce)
  const asked = market.fetch(CHAT_URL, chat())
  await expect(asked).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  expect(market.chain.openings).toEqual([])
  // A gateway that names no binding, or none that can be one, is asked as before.
  market.gateway.hints = [{ agentId: '0', admitted: true, lease: { bindingId: '0x12' } }]
  await (await market.fetch(CHAT_URL, chat())).text()
  expect(market.eventsOf('authorised')).toMatchObject([{ bindingId: given.bindingId }])
})
