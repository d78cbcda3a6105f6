import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { launchTd } from '@jeju/simulator'
import {
  authDigest,
  createResponseHasher,
  EVIDENCE_MEDIA_TYPE,
  parseAuthorization,
  parseComputeReceipt,
  parseNonce,
  receiptDigest,
  recoverAddress,
  utf8,
  type ComputeReceipt,
  type Hex,
} from '@jeju/verifier/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { createProviderConnection } from '../../gateway/src/admission/provider-connection.ts'
import { servingDomain } from '../gateway/network/deployment.ts'
import { authorizationFor, LIMITS, platform, TestNetwork } from '../gateway/network/test-network.ts'
import { COMPOSE, TestNode } from '../gateway/network/test-node.ts'
import { bodyOf } from '../gateway/network/upstream.ts'
import { policyOf } from '../simulated-trust.ts'
import { isWhole, receiptOf, textOf, type Got } from './got.ts'
import { FAILOVER_MS, KINDS, LIES, SOUND, type Kind, type Serve } from './nodes.ts'

// Nodes behind real sockets, of which some die, hang, lie or are slow while many clients ask; every answer is judged
// again here, with nothing of the gateway's.

const CLIENTS = 16
const REQUESTS = 480
/** The killed node dies, and the revoked one is revoked, when so many were asked. */
const TURN = REQUESTS / 3

describe('chaos: nodes that are killed, hang, lie and are slow, under load', () => {
  const nodes = new Map<string, TestNode>()
  const servers = new Map<string, Server>()
  /** When which request came to which node. */
  const arrived: { readonly name: string; readonly id: number; readonly atMs: number }[] = []
  let network: TestNetwork
  let got: readonly Got[]
  let revokedMs = Infinity

  beforeAll(async () => {
    for (const [index, kind] of KINDS.entries()) await startNode(kind, BigInt(index))
    const [first] = nodes.values()
    if (first === undefined) throw new Error('a node')
    network = new TestNetwork({
      policy: policyOf(first.td),
      connection: createProviderConnection(true),
      limits: { ...LIMITS, failoverAfterMs: FAILOVER_MS, leasesPerPlatform: KINDS.length },
    })
    for (const node of nodes.values()) network.register(node)
    await network.update()
    got = await load()
    for (const server of servers.values()) {
      server.closeAllConnections()
      server.close()
    }
  }, 60_000)

  test('F11 unverified_provider_not_routed: no prompt reaches a node that was never verified', async () => {
    expect(got).toHaveLength(REQUESTS)
    expect(arrived.filter(({ name }) => name === 'tampered')).toEqual([])
    // It was offered, and first, often enough.
    expect(got.filter(({ offered }) => offered[0] === 'tampered').length).toBeGreaterThan(10)
  })

  test('F3 revoked_node_not_routed: nor one whose binding was revoked meanwhile', () => {
    const before = arrived.filter(({ name, atMs }) => name === 'revoked' && atMs < revokedMs)
    expect(before.length).toBeGreaterThan(0)
    const after = arrived.filter(({ name, atMs }) => name === 'revoked' && atMs > revokedMs)
    expect(after).toEqual([])
  })

  test('F11 response_verified_before_return: every answer that was given out as whole is what its node signed for', () => {
    const whole = got.filter(isWhole)
    expect(whole.length).toBeGreaterThan(REQUESTS / 2)
    expect(whole.some(({ isStream }) => isStream)).toBe(true)
    for (const each of whole) {
      const { text, covered } = receiptOf(each)
      expect(judge(each, text, covered)).toBe('signed for')
    }
  })

  test('a lie is told as one, once, and its node gets nothing that begins after that', () => {
    for (const index of LIES.keys()) {
      const name = `lying ${index}`
      const caught = got.filter(
        ({ bytes, offered }) =>
          offered.includes(name) && textOf(bytes).includes('response_not_verified'),
      )
      expect(caught.length, name).toBeGreaterThan(0)
      const knownMs = Math.min(...caught.map(({ endedMs }) => endedMs))
      const started = new Map(got.map(({ id, startedMs }) => [id, startedMs]))
      const later = arrived.filter(
        (each) => each.name === name && (started.get(each.id) ?? 0) > knownMs,
      )
      expect(later, name).toEqual([])
    }
  })

  test('whoever names a sound node beside a lost one has its answer, by one failover', () => {
    for (const each of got) {
      const [first = '', second = ''] = each.offered
      if (first.startsWith('lying') || !SOUND.includes(second)) continue
      // What was under way in the very node that was killed may break off, once a byte of it was passed on.
      if (each.isBroken && first === 'killed') continue
      expect(isWhole(each), `${each.id}: ${first}, ${second}: ${textOf(each.bytes)}`).toBe(true)
      const asked = new Set(arrived.filter(({ id }) => id === each.id).map(({ name }) => name))
      expect(asked.size).toBeLessThanOrEqual(2)
    }
  })

  test('the lost ones were met, and the sound ones are still admitted', async () => {
    const firsts = new Set(got.map(({ offered }) => offered[0]))
    expect(firsts).toEqual(new Set(KINDS.map(({ name }) => name)))
    const answeredBy = (name: string): number =>
      got.filter((each) => each.binding === nodes.get(name)?.bindingId && isWhole(each)).length
    expect(answeredBy('killed')).toBeGreaterThan(0)
    expect(answeredBy('hanging')).toBe(0)
    const admitted = (await network.providers()).filter((each) => each.admitted)
    const sound = SOUND.map((name) => nodes.get(name)?.bindingId)
    expect(admitted.map(({ lease }) => lease?.bindingId)).toEqual(expect.arrayContaining(sound))
  })

  async function startNode({ name, serve, isTampered }: Kind, agentId: bigint): Promise<void> {
    const setting: { node?: TestNode } = {}
    const server = createServer((request, response) => {
      const { node } = setting
      if (node === undefined) return
      void answerOf(name, serve, node, request, response).catch(() => response.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('expected a port')
    const appCompose = isTampered === true ? utf8('{"name":"another"}') : COMPOSE
    setting.node = new TestNode(platform, {
      agentId,
      td: launchTd(platform, { appCompose }),
      endpoint: `http://127.0.0.1:${address.port}`,
    })
    nodes.set(name, setting.node)
    servers.set(name, server)
  }

  async function answerOf(
    name: string,
    serve: Serve,
    node: TestNode,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const url = new URL(request.url ?? '/', node.endpoint)
    if (request.method === 'GET') {
      const evidence = await node.evidence(parseNonce(url.searchParams.get('nonce') ?? ''))
      response.writeHead(200, { 'content-type': EVIDENCE_MEDIA_TYPE }).end(evidence)
      return
    }
    const { user, stream } = JSON.parse(textOf(await bodyOf(request))) as {
      user: string
      stream: boolean
    }
    arrived.push({ name, id: Number(user), atMs: performance.now() })
    await serve({ node, id: Number(user), isStream: stream, request, response })
  }

  /** All clients, each with one request after the other. */
  async function load(): Promise<readonly Got[]> {
    const results: Got[] = []
    let next = 0
    const client = async (): Promise<void> => {
      for (let id = next++; id < REQUESTS; id = next++) {
        if (id === TURN) await turn()
        results.push(await askOne(id))
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    return results
  }

  /** One node dies in its answers, another is revoked. */
  async function turn(): Promise<void> {
    const killed = servers.get('killed')
    killed?.closeAllConnections()
    killed?.close()
    const bindingId = nodes.get('revoked')?.bindingId ?? '0x'
    network.chain.bindings.set(bindingId, { valid: false, agentId: 0n, validUntil: 0n })
    network.chain.head += 1n
    network.chain.events.set(network.chain.head, [nodes.get('revoked')?.agentId ?? 0n])
    await network.update()
    // What was on its way to the node when that was known arrives all the same.
    revokedMs = performance.now() + 50
  }

  /** The first node in turn, the second a sound one. */
  async function askOne(id: number): Promise<Got> {
    const first = KINDS[id % KINDS.length]?.name ?? ''
    const second = SOUND.filter((name) => name !== first)[id % 2] ?? ''
    const offered = [first, second]
    const isStream = first === 'lying 1' || (!first.startsWith('lying') && id % 3 === 0)
    const body = `{"model":"enclave-mini","messages":[],"stream":${isStream},"user":"${id}"}`
    const authorizations = offered.map((name) =>
      authorizationFor(nodes.get(name)?.bindingId ?? '0x', body),
    )
    const startedMs = performance.now()
    const response = await network.request('/v1/chat/completions', {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'compute-authorization': authorizations.join(', '),
      },
    })
    const bytes = await response.arrayBuffer().catch(() => undefined)
    return {
      id,
      offered,
      isStream,
      authorizations,
      startedMs,
      endedMs: performance.now(),
      status: response.status,
      verdict: response.headers.get('compute-verdict'),
      binding: response.headers.get('compute-binding'),
      receipt: response.headers.get('compute-receipt'),
      bytes: bytes === undefined ? new Uint8Array() : new Uint8Array(bytes),
      isBroken: bytes === undefined,
    }
  }

  /** Hash, signer, model and authorisation, by the node's own keys. */
  function judge(each: Got, document: string, covered: Uint8Array): string {
    const node = [...nodes.values()].find(({ bindingId }) => bindingId === each.binding)
    const receipt: ComputeReceipt = parseComputeReceipt(document)
    const signed = each.authorizations
      .map((text) => parseAuthorization(text))
      .find(({ auth }) => auth.bindingId === each.binding)
    if (node === undefined || signed === undefined) return 'of nobody that was paid'
    const hasher = createResponseHasher(signed.salt)
    hasher.update(covered)
    const { receipt: content, receiptSignature, model } = receipt
    if (content.responseHash !== hasher.digest()) return 'other bytes'
    if (content.authHash !== authDigest(signed.auth, servingDomain)) return 'another request'
    if (model !== 'enclave-mini') return 'another model'
    const signer: Hex = recoverAddress(receiptDigest(content, servingDomain), receiptSignature)
    return signer === node.statement.signer ? 'signed for' : 'another signer'
  }
})
