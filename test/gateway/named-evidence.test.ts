import { decodeEvidence, bindingIdOf, type Hex } from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import { EndpointError } from '../../gateway/src/admission/endpoint.ts'
import { registryDomain } from './network/deployment.ts'
import { evidenceAnswer, honest, nonceOf, type Responder } from './network/test-connection.ts'
import { codeOf, platform, TestNetwork } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'

// Two nodes of one agent behind one endpoint, of which one is admitted.

const NONCE = 'ab'.repeat(32)
const OPERATOR: Hex = `0x${'0e'.repeat(20)}`

async function twoNodes(): Promise<{
  readonly network: TestNetwork
  readonly admitted: TestNode
  readonly other: TestNode
  /** Who answers from now on, one after the other, the last for good. */
  readonly answers: (...responders: readonly Responder[]) => void
  readonly ask: (bindingId?: string) => Promise<Response>
}> {
  const network = new TestNetwork()
  const admitted = network.add({ operator: OPERATOR })
  const other = new TestNode(platform, { operator: OPERATOR })
  const validUntil = BigInt(Math.floor(network.nowMs / 1000) + 24 * 3600)
  network.chain.bindings.set(other.bindingId, { valid: true, agentId: 0n, validUntil })
  await network.update()
  expect((await network.only()).lease?.bindingId).toBe(admitted.bindingId)
  return {
    network,
    admitted,
    other,
    answers: (...responders) => {
      const left = [...responders]
      network.connection.at(admitted.endpoint, (request) => {
        const [next] = left
        if (next === undefined) throw new Error('expected a responder')
        if (left.length > 1) left.shift()
        return next(request)
      })
    },
    ask: async (bindingId) => {
      const named = bindingId === undefined ? '' : `&binding_id=${bindingId}`
      return network.gateway.app.request(`/v1/providers/0/attestation?nonce=${NONCE}${named}`)
    },
  }
}

async function bindingOf(response: Response): Promise<Hex> {
  expect(response.status).toBe(200)
  const { statement } = decodeEvidence(new Uint8Array(await response.arrayBuffer()))
  return bindingIdOf(statement, registryDomain)
}

const wrongKey: Responder = () => {
  throw new EndpointError('endpoint: another TLS key than the verified one')
}

test('F18 pin_gate_sees_serving_instance: evidence of the node that is named, though another answers first', async () => {
  const { admitted, other, answers, ask } = await twoNodes()
  answers(honest(other), honest(admitted))
  expect(await bindingOf(await ask(admitted.bindingId))).toBe(admitted.bindingId)
  answers(wrongKey, wrongKey, honest(admitted))
  expect(await bindingOf(await ask(admitted.bindingId))).toBe(admitted.bindingId)
})

test('of whichever answers where none is named', async () => {
  const { other, answers, ask } = await twoNodes()
  answers(honest(other))
  expect(await bindingOf(await ask())).toBe(other.bindingId)
})

test('none of another, however often it answers', async () => {
  const { network, admitted, other, answers, ask } = await twoNodes()
  for (const responder of [honest(other), wrongKey]) {
    answers(responder)
    const before = network.connection.sent.length
    const response = await ask(admitted.bindingId)
    expect([response.status, await codeOf(response)]).toEqual([502, 'provider_unavailable'])
    expect(network.connection.sent.length - before).toBe(3)
  }
})

test('the connection is made to the TLS keys of the node that is named', async () => {
  const network = new TestNetwork()
  const node = network.add({ tls: true })
  await network.update()
  const keys: (readonly string[] | undefined)[] = []
  network.connection.at(node.endpoint, async (request) => {
    keys.push(request.tlsKeys)
    return evidenceAnswer(await node.evidence(nonceOf(request)))
  })
  const path = `/v1/providers/0/attestation?nonce=${NONCE}`
  await network.gateway.app.request(`${path}&binding_id=${node.bindingId}`)
  await network.gateway.app.request(path)
  expect(keys).toEqual([['ab'.repeat(32)], []])
})

test('F11: a binding that is not admitted, or is of another agent, is refused by its name', async () => {
  const { network, other, admitted, ask } = await twoNodes()
  const stranger = network.add({ agentId: 7n })
  await network.update()
  const asked = network.connection.sent.length
  for (const named of [other.bindingId, stranger.bindingId, `0x${'12'.repeat(32)}`]) {
    const response = await ask(named)
    expect(response.status).toBe(503)
    const { error }: { error: object } = await response.json()
    expect(error).toMatchObject({ code: 'provider_not_admitted', param: 'binding_id' })
  }
  for (const named of ['', '0x12', admitted.bindingId.toUpperCase(), `0x0&binding_id=0x1`]) {
    const response = await ask(named)
    expect([response.status, await codeOf(response)]).toEqual([400, 'invalid_request'])
  }
  expect(network.connection.sent).toHaveLength(asked)
  // Nor is one whose lease has ended.
  network.pass(11)
  expect((await ask(admitted.bindingId)).status).toBe(503)
})

test('a route names the binding in the place of its evidence', async () => {
  const { network, admitted } = await twoNodes()
  const response = await network.gateway.app.request('/v1/route?model=enclave-mini')
  const { data }: { data: readonly { evidence: { fresh: string } }[] } = await response.json()
  const evidence = await network.gateway.app.request(`${data[0]?.evidence.fresh}${NONCE}`)
  expect(await bindingOf(evidence)).toBe(admitted.bindingId)
})
