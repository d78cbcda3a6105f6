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
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import {
  ChainError,
  type AttestCall,
  type OnchainVerification,
  type RenewCall,
} from '../../enclave/src/chain/node-chain.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { createDeviceClaim, type DeviceClaim } from '../../enclave/src/registration/device-claim.ts'
import type { NodeIdentity } from '../../enclave/src/statement/node-identity.ts'
import { machineGpus } from './gpu/gpu-setting.ts'
import { registryDomain } from './setting/deployment.ts'
import { buildNode, cleanUp, startNode, statusOf, TestClock, until } from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'

afterAll(cleanUp)

const VERIFIER_INDEX = 3n

/** A verifier on chain: grants to a signer what it is shown, unless it has a reason not to. */
class TestVerification implements OnchainVerification {
  readonly verifierIndex = VERIFIER_INDEX
  readonly attested: AttestCall[] = []
  readonly renewed: RenewCall[] = []
  readonly brought: { readonly quote: Uint8Array; readonly caching: boolean }[] = []
  readonly claims: (readonly Hex[])[] = []
  /** How often the record was looked at. */
  looks = 0
  /** What the record has of the node. */
  claim = { isWhole: false, keptUntil: 0n, blockNumber: 0n }
  /** Until when other bindings keep its devices. */
  others = 0n
  /** What it refuses claims of devices for. */
  claimRefusal: Error | undefined
  /** What Intel serves, or why it does not. */
  collateral: string | Error = '{"tcb_info":"of then"}'
  /** What it refuses everything for. */
  refusal: Error | undefined
  readonly #chain: TestChain

  constructor(chain: TestChain) {
    this.#chain = chain
  }

  bringCollateral(quote: Uint8Array, caching: boolean) {
    this.brought.push({ quote, caching })
    return Promise.resolve([{ steps: ['TCB info'], gasUsed: 300_000n }])
  }

  collateralOf() {
    return this.collateral instanceof Error
      ? Promise.reject(this.collateral)
      : Promise.resolve(this.collateral)
  }

  evidenceOf(quote: Uint8Array, gpuEvidenceDigest: Hex) {
    return Promise.resolve(concatBytes(fromHex(gpuEvidenceDigest, 32), sha256(quote)))
  }

  attest(call: AttestCall) {
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    this.attested.push(call)
    const bindingId = this.#chain.approvals.values().next().value ?? '0x'
    this.#grant(bindingId, call, call.statement.signer)
    return Promise.resolve({ gasUsed: 190_000n })
  }

  renew(call: RenewCall) {
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    const granted = this.#chain.bindings.get(call.bindingId)
    if (granted === undefined) return Promise.reject(new Error('nothing to renew'))
    this.renewed.push(call)
    this.#grant(call.bindingId, call, granted.signer)
    return Promise.resolve({ gasUsed: 90_000n })
  }

  #grant(
    bindingId: Hex,
    { evidence, blockNumber }: Pick<RenewCall, 'evidence' | 'blockNumber'>,
    signer: Hex,
  ): void {
    this.#chain.bindings.set(bindingId, {
      valid: true,
      validUntil: this.#chain.now() + 24n * 3600n,
      revoked: false,
      blockNumber,
      evidenceHash: toHex(evidence),
      signer,
    })
    this.#chain.standing = 'active'
  }

  deviceClaim() {
    this.looks++
    return Promise.resolve({ ...this.claim, leaseS: 7_200n })
  }

  heldUntil() {
    return Promise.resolve(this.others)
  }

  claimDevices(statement: NodeStatement, devices: readonly Hex[]) {
    if (this.claimRefusal !== undefined) return Promise.reject(this.claimRefusal)
    expect(toHex(sha256(concatBytes(...devices.map((device) => fromHex(device, 32)))))).toBe(
      statement.gpuDevicesDigest,
    )
    this.claims.push(devices)
    const blockNumber = this.attested.at(-1)?.blockNumber ?? 0n
    this.claim = { isWhole: true, keptUntil: this.#chain.now() + 7_200n, blockNumber }
    return Promise.resolve({ gasUsed: 90_000n })
  }
}

function judged(): { chain: TestChain; verification: TestVerification; clock: TestClock } {
  const clock = new TestClock()
  const chain = new TestChain(clock.now)
  const verification = new TestVerification(chain)
  chain.verification = verification
  return { chain, verification, clock }
}

describe('where quotes are judged on chain', () => {
  test('the node shows its quote and binds no key that nobody has judged', async () => {
    const { chain, verification, clock } = judged()
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
    const { chain, verification, clock } = judged()
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
    const { chain, verification, clock } = judged()
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
    const { chain, clock } = judged()
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
    const { chain, verification, clock } = judged()
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
    const { chain, verification, clock } = judged()
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

describe('one GPU, one registration (attack D7)', () => {
  test('the GPUs of the statement are claimed after every grant, and shown again before the lease is over', async () => {
    const { chain, verification, clock } = judged()
    const gpus = { gpus: machineGpus({ machine: 'blackwell', count: 2 }) }
    const running = await startNode({ chain, clock, gpus })
    expect(verification.attested).toHaveLength(1)
    expect(verification.claims).toHaveLength(1)
    expect(verification.claims[0]).toHaveLength(2)
    // Half of the lease, long before half of the grant: by new evidence, since the old keeps nothing longer.
    await running.node.drain()
    clock.pass(3_000)
    const second = await running.restart({ gpus })
    await until(() => verification.looks > 2)
    await second.node.drain()
    expect(verification.attested).toHaveLength(1)
    clock.pass(601)
    const third = await running.restart({ gpus })
    await until(() => verification.claims.length === 2)
    expect(verification.renewed).toHaveLength(1)
    await third.node.drain()
  })

  test('GPUs that another binding has are shown again in time, and not for every look', async () => {
    const { chain, verification, clock } = judged()
    verification.claimRefusal = new ChainError('CHAIN_REFUSED', 'device 0xab: held')
    const claim = claimOn(chain, clock)
    const at = (timestamp: bigint, blockNumber: bigint) => claim.isDue({ blockNumber, timestamp })
    expect(await at(1_000n, 5n)).toBe(false)
    expect(await at(8_199n, 5n)).toBe(false)
    expect(await at(8_200n, 5n)).toBe(true)
    // Not granted: it stays due. Granted: from then on.
    expect(await at(8_210n, 5n)).toBe(true)
    expect(await at(8_220n, 9n)).toBe(false)
    expect(await at(15_419n, 9n)).toBe(false)
    expect(await at(15_420n, 9n)).toBe(true)
    // Held, and claimed on less than was granted: a claim comes first, for as long as it can be made.
    verification.claim = { isWhole: true, keptUntil: 0n, blockNumber: 9n }
    expect(await at(16_000n, 10n)).toBe(false)
    expect(await at(17_799n, 10n)).toBe(false)
    expect(await at(17_800n, 10n)).toBe(true)
    verification.claim = { isWhole: true, keptUntil: 21_401n, blockNumber: 9n }
    expect(await at(17_800n, 10n)).toBe(false)
    verification.claim = { isWhole: true, keptUntil: 21_401n, blockNumber: 10n }
    expect(await at(17_800n, 10n)).toBe(false)
    verification.claim = { isWhole: true, keptUntil: 21_400n, blockNumber: 10n }
    expect(await at(17_800n, 10n)).toBe(true)
  })

  test('GPUs that another binding keeps are shown again as soon as its lease is over', async () => {
    const { chain, verification, clock } = judged()
    verification.claimRefusal = new ChainError('CHAIN_REFUSED', 'device 0xab: held')
    verification.others = 3_000n
    const claim = claimOn(chain, clock)
    const at = (timestamp: bigint, blockNumber: bigint) => claim.isDue({ blockNumber, timestamp })
    await claim.keep({ blockNumber: 5n, timestamp: 1_000n })
    expect(await at(1_000n, 5n)).toBe(false)
    expect(await at(3_000n, 5n)).toBe(false)
    expect(await at(3_001n, 5n)).toBe(true)
    // Shown again and refused for another reason: not for every look.
    expect(await at(3_010n, 9n)).toBe(false)
    expect(await at(10_209n, 9n)).toBe(false)
    expect(await at(10_210n, 9n)).toBe(true)
    // Or since the other has shown them again, too.
    verification.others = 6_000n
    clock.pass(300)
    await claim.keep({ blockNumber: 11n, timestamp: 3_400n })
    expect(await at(3_400n, 11n)).toBe(false)
    expect(await at(6_001n, 11n)).toBe(true)
  })

  test('devices that another binding holds cost the tier and not the registration', async () => {
    const { chain, verification, clock } = judged()
    verification.claimRefusal = new ChainError('CHAIN_REFUSED', 'device 0xab: held')
    const { logs } = await startNode({ chain, clock, gpus: { gpus: machineGpus() } })
    expect(verification.attested).toHaveLength(1)
    const words = logs.filter((line) => line.includes('does not have the GPUs'))
    expect(words).toHaveLength(1)
    expect(words[0]).toContain('device 0xab: held')
  })

  test('a CPU-only node claims nothing', async () => {
    const { chain, verification, clock } = judged()
    verification.claimRefusal = new ChainError('CHAIN_REFUSED', 'asked')
    const { logs } = await startNode({ chain, clock })
    expect(logs.join('')).not.toContain('does not have the GPUs')
  })
})

function claimOn(chain: TestChain, clock: TestClock): DeviceClaim {
  const identity = { bindingId: '0xab', statement: { gpuDevicesDigest: '0xcd' } }
  return createDeviceClaim({
    chain,
    identity: identity as unknown as NodeIdentity,
    devices: [],
    logger: createLogger('silent'),
    now: clock.now,
  })
}

/** The chain in memory names a block's hash by its number, which is a time. */
async function hashOf(chain: TestChain, number: bigint): Promise<Hex> {
  const now = chain.now
  chain.now = () => number
  const { hash } = await chain.recentBlock()
  chain.now = now
  return hash
}
