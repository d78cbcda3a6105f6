import {
  addressOf,
  ed25519PublicKey,
  randomBytes32,
  secp256k1PublicPoint,
} from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import { createLogger } from '../../enclave/src/logging.ts'
import { createRegistrar } from '../../enclave/src/registration/registrar.ts'
import { createIdentity } from '../../enclave/src/statement/node-identity.ts'
import { registryDomain } from './setting/deployment.ts'
import { ScriptedEngine } from './setting/scripted-engine.ts'
import { OPERATOR, TestClock, until } from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'
import { digestOf } from './setting/test-client.ts'

const HOUR_S = 3600

test('C11 a binding that ends with its keyset is not attested again and again', async () => {
  const clock = new TestClock()
  const chain = new TestChain(clock.now)
  const signerKey = randomBytes32()
  const receiptKey = randomBytes32()
  const signer = addressOf(signerKey)
  const receiptPublicKey = ed25519PublicKey(receiptKey)
  const keysetNotAfter = Math.floor(clock.now().getTime() / 1000) + 6 * HOUR_S
  const custody = {
    algorithm: 'secp256k1' as const,
    keyApi: 'v0' as const,
    path: 'p',
    purpose: 'p',
    publicKey: signerKey,
    signatures: [signerKey, signerKey] as const,
  }
  const keys = {
    signerKey,
    signer,
    signerPublicKey: secp256k1PublicPoint(signerKey),
    receiptKey,
    receiptPublicKey,
    signerCustody: custody,
    receiptCustody: custody,
    sealing: [],
  }
  const identity = createIdentity({
    registry: registryDomain,
    agentId: 0n,
    operator: OPERATOR,
    instanceId: new Uint8Array(20),
    keys,
    model: new ScriptedEngine().descriptor,
    egress: [],
    keysetNotAfter,
    tls: undefined,
    gpuDevicesDigest: `0x${'00'.repeat(32)}`,
    prompts: 'any',
  })
  chain.approvals.add(identity.bindingId)
  const registrar = createRegistrar({
    chain,
    registry: registryDomain,
    identity,
    keys,
    attester: { attest: () => Promise.resolve(Uint8Array.of(1)) },
    archive: {
      put: () => Promise.resolve(digestOf('evidence')),
      confirm: () => Promise.resolve(),
      get: () => Promise.resolve(undefined),
    },
    logger: createLogger('silent'),
    now: clock.now,
    devices: [],
  })
  const runUntil = async (holds: () => boolean): Promise<void> => {
    const stop = new AbortController()
    const running = registrar.run(stop.signal)
    await until(holds)
    stop.abort()
    await running
  }
  await runUntil(() => registrar.registered)
  expect(chain.attestations).toHaveLength(1)
  expect(chain.attestations[0]?.validUntil).toBe(BigInt(keysetNotAfter))

  // Half the usual life is long over, and there is nothing to win.
  const looks = chain.calls.length
  await runUntil(() => chain.calls.length > looks + 1)
  expect(chain.attestations).toHaveLength(1)
  clock.pass(7 * HOUR_S)
  expect(registrar.registered).toBe(false)
})
