import {
  concatBytes,
  decodeEvidence,
  fromHex,
  keccak256,
  recoverAddress,
  sha256,
  toHex,
  verifiedAttestationDigest,
  type Hex,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { ChainError } from '../../enclave/src/chain/node-chain.ts'
import { registryDomain } from './setting/deployment.ts'
import { buildNode, cleanUp, startNode, statusOf, until } from './setting/start-node.ts'
import type { TestChain } from './setting/test-chain.ts'
import { judgedChain, VERIFIER_INDEX } from './setting/test-verification.ts'

afterAll(cleanUp)

describe('where quotes are judged on chain', () => {
  test('the node shows its quote and binds no key that nobody has judged', async () => {
    const { chain, verification, clock } = judgedChain()
    const { node, get, logs } = await startNode({ chain, clock })
    expect(chain.attestations).toEqual([])
    const [call] = verification.attested
    const quote = verification.brought[0]?.quote
    if (call === undefined || quote === undefined) throw new Error('not attested')

    // The signature is over this evidence, this verifier and this block.
    const { bindingId } = node
    expect(logs.filter((line) => line.includes('collateral brought'))).toHaveLength(1)
    const blockHash = await hashOf(chain, call.blockNumber)
    const evidenceHash = toHex(keccak256(concatBytes(fromHex(blockHash, 32), call.evidence)))
    const signed = { ...call, bindingId, verifierIndex: VERIFIER_INDEX, evidenceHash }
    const digest = verifiedAttestationDigest(signed, registryDomain)
    expect(recoverAddress(digest, call.signerSig)).toBe(call.statement.signer)

    // The whole bundle is served by the name that the chain has for it, and by its own.
    const response = await get(`/v1/evidence/${evidenceHash.slice(2)}`)
    const bundle = new Uint8Array(await response.arrayBuffer())
    expect(toHex(decodeEvidence(bundle).quote)).toBe(toHex(quote))
    // With Intel's documents of now: nobody serves them later.
    expect(decodeEvidence(bundle).collateral).toBe(verification.collateral)
    const own = await get(`/v1/evidence/${toHex(sha256(bundle)).slice(2)}`)
    expect(toHex(new Uint8Array(await own.arrayBuffer()))).toBe(toHex(bundle))
  })

  test.each([
    ['a service that does not answer', new ChainError('CHAIN_UNAVAILABLE', 'collateral: timeout')],
    ['documents that fit no bundle', '0'.repeat(2 * 1024 * 1024)],
  ])('it is granted without collateral to archive, and says so: %s', async (_, collateral) => {
    const { chain, verification, clock } = judgedChain()
    verification.collateral = collateral
    const { get, logs } = await startNode({ chain, clock })
    expect(logs.join('')).toContain('evidence is archived without collateral')
    const [call] = verification.attested
    if (call === undefined) throw new Error('not attested')
    const blockHash = await hashOf(chain, call.blockNumber)
    const name = toHex(keccak256(concatBytes(fromHex(blockHash, 32), call.evidence))).slice(2)
    const bundle = new Uint8Array(await (await get(`/v1/evidence/${name}`)).arrayBuffer())
    expect(decodeEvidence(bundle).collateral).toBeUndefined()
  })

  test('a refusal is said in words in /health and in the log, and nothing is half registered', async () => {
    const { chain, verification, clock } = judgedChain()
    const words = 'measurement: expected an entry of the allow-list, got none under 0xab'
    verification.refusal = new ChainError('CHAIN_REFUSED', words)
    const running = await buildNode({ chain, clock })
    const { node, logs, get } = running
    node.start()
    await until(() => logs.join('').includes('registration failed'))
    const health = (await (await get('/health')).json()) as Record<string, unknown>
    expect(health).toMatchObject({ status: 'starting', registered: false, reason: words })
    expect(logs.join('')).toContain(words)
    expect(chain.bindings.size).toBe(0)
    expect(chain.attestations).toEqual([])

    verification.refusal = undefined
    await until(async () => (await statusOf(running)) === 'ok')
    expect(await (await get('/health')).json()).toMatchObject({ registered: true, reason: null })
    await node.drain()
  })

  test('the approval that is missing is the reason until it comes', async () => {
    const { chain, clock } = judgedChain()
    const running = await buildNode({ chain, clock, unapproved: true })
    running.node.start()
    await until(() => running.logs.join('').includes('waiting for the owner'))
    expect(await (await running.get('/health')).json()).toMatchObject({
      registered: false,
      reason: 'waiting for the owner to approve the binding',
    })
    await running.node.drain()
  })

  test('it renews at half life, and when the chain thinks otherwise of it', async () => {
    const { chain, verification, clock } = judgedChain()
    const first = await startNode({ chain, clock })
    clock.pass(12 * 3600 + 1)
    const second = await first.restart()
    await until(() => verification.renewed.length === 1)

    chain.standing = 'stale'
    await second.node.drain()
    const third = await second.restart()
    await until(() => verification.renewed.length === 2)
    expect(verification.attested).toHaveLength(1)
    // The attestation key is worth to be known from the first renewal on.
    expect(verification.brought.map(({ caching }) => caching)).toEqual([false, true, true])
    expect(third.logs.join('')).toContain('"status":"stale"')
  })

  test('collateral that runs out on chain takes a running node out of service, until it has brought newer and is granted again', async () => {
    const { chain, verification, clock } = judgedChain()
    const running = await startNode({ chain, clock })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const bring = verification.bringCollateral.bind(verification)
    verification.bringCollateral = async (...given) => {
      await held
      return bring(...given)
    }
    chain.standing = 'stale'
    // The next look at the chain, ten seconds apart.
    await expect.poll(() => statusOf(running), { timeout: 20_000 }).toBe('starting')
    expect(await (await running.get('/health')).json()).toMatchObject({
      registered: false,
      waiting_for: 'binding',
    })
    expect(verification.renewed).toEqual([])
    release()
    await until(async () => (await statusOf(running)) === 'ok')
    expect(verification.renewed).toHaveLength(1)
    expect(verification.attested).toHaveLength(1)
    expect(running.logs.join('')).toContain('"status":"stale"')
  }, 40_000)
})

/** The chain in memory names a block's hash by its number, which is a time. */
async function hashOf(chain: TestChain, number: bigint): Promise<Hex> {
  const now = chain.now
  chain.now = () => number
  const { hash } = await chain.recentBlock()
  chain.now = now
  return hash
}
