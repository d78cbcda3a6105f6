import { afterAll, describe, expect, test } from 'vitest'
import { ChainError } from '../../enclave/src/chain/node-chain.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { createDeviceClaim, type DeviceClaim } from '../../enclave/src/registration/device-claim.ts'
import type { NodeIdentity } from '../../enclave/src/statement/node-identity.ts'
import { machineGpus } from './gpu/gpu-setting.ts'
import { cleanUp, startNode, until, type TestClock } from './setting/start-node.ts'
import type { TestChain } from './setting/test-chain.ts'
import { judgedChain } from './setting/test-verification.ts'

afterAll(cleanUp)

describe('one GPU, one registration (attack D7)', () => {
  test('the GPUs of the statement are claimed after every grant, and shown again before the lease is over', async () => {
    const { chain, verification, clock } = judgedChain()
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
    const { chain, verification, clock } = judgedChain()
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
    const { chain, verification, clock } = judgedChain()
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
    const { chain, verification, clock } = judgedChain()
    verification.claimRefusal = new ChainError('CHAIN_REFUSED', 'device 0xab: held')
    const { logs } = await startNode({ chain, clock, gpus: { gpus: machineGpus() } })
    expect(verification.attested).toHaveLength(1)
    const words = logs.filter((line) => line.includes('does not have the GPUs'))
    expect(words).toHaveLength(1)
    expect(words[0]).toContain('device 0xab: held')
  })

  test('a CPU-only node claims nothing', async () => {
    const { chain, verification, clock } = judgedChain()
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
